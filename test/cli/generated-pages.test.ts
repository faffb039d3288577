import { readFileSync } from 'node:fs';
import { generatedPages } from '../../operator/cli/generated-pages.js';

test.each(Object.keys(generatedPages()))('docs/%s says what the code says (npm run generate)', (name) => {
  const stored = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  expect(stored).toBe(generatedPages()[name]);
});
