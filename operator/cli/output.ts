import { stringify } from 'yaml';

export const outputFormats = ['table', 'json', 'yaml'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** A result for stdout. JSON and YAML show the value as it is; the table is for people and may change. */
export function render(value: unknown, format: OutputFormat, table: () => string): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(value, null, 2)}\n`;
    case 'yaml':
      return stringify(value);
    case 'table':
      return `${table()}\n`;
  }
}
