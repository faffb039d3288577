/** `npm run generate`: writes the pages of docs/ that are made from code. */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { generatedPages } from './generated-pages.js';

const docs = fileURLToPath(new URL('../../../docs/', import.meta.url));
await mkdir(docs, { recursive: true });
for (const [name, text] of Object.entries(generatedPages())) {
  await writeFile(`${docs}${name}`, text);
  process.stdout.write(`docs/${name}\n`);
}
