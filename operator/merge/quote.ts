import { assert } from '../base/assert.js';

/** Target names hold letters, digits and `_` only, so quoting guards against keywords, and nothing needs escaping. */
export function quoteName(name: string): string {
  assert(/^\w+$/.test(name), 'a target name holds letters, digits and _ only');
  return `\`${name}\``;
}

/** MaxCompute reads backslash sequences in string literals (manual, "Escape characters"). */
export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
