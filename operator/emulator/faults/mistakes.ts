/** Reads values of JSON field by field, and collects what is wrong with them as sentences with a path. */

export class Mistakes {
  readonly texts: string[] = [];

  add(path: string, sentence: string): void {
    this.texts.push(path === '' ? sentence : `${path}: ${sentence}`);
  }

  object(value: unknown, path: string, wanted: string): FieldReader | null {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return new FieldReader(value as Record<string, unknown>, path, this);
    }
    this.add(path, `${show(value)}; wanted: ${wanted}`);
    return null;
  }

  integer(value: unknown, path: string, min: number, max: number): number | undefined {
    if (Number.isInteger(value)) return this.number(value, path, min, max, 'a whole number');
    this.add(path, `${show(value)}; wanted: a whole number from ${min} to ${max}`);
    return undefined;
  }

  number(value: unknown, path: string, min: number, max: number, what = 'a number'): number | undefined {
    if (typeof value === 'number' && value >= min && value <= max) return value;
    this.add(path, `${show(value)}; wanted: ${what} from ${min} to ${max}`);
    return undefined;
  }

  choice<const Choice extends string>(value: unknown, path: string, choices: readonly Choice[]): Choice | undefined {
    if (choices.includes(value as Choice)) return value as Choice;
    this.add(path, `${show(value)}; wanted: ${choices.join(', ')}`);
    return undefined;
  }

  yes(value: unknown, path: string): true {
    if (value !== true) this.add(path, `${show(value)}; wanted: true`);
    return true;
  }
}

export class FieldReader {
  readonly mistakes: Mistakes;
  private readonly fields: Readonly<Record<string, unknown>>;
  private readonly path: string;
  private readonly known = new Set<string>();

  constructor(fields: Readonly<Record<string, unknown>>, path: string, mistakes: Mistakes) {
    this.fields = fields;
    this.path = path;
    this.mistakes = mistakes;
  }

  keys(): string[] {
    return Object.keys(this.fields);
  }

  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  take(name: string): unknown {
    this.known.add(name);
    return this.fields[name];
  }

  integer(name: string, min: number, max: number, isRequired = false): number | undefined {
    const value = this.take(name);
    if (value === undefined && !isRequired) return undefined;
    return this.mistakes.integer(value, this.at(name), min, max);
  }

  number(name: string, min: number, max: number): number | undefined {
    const value = this.take(name);
    return value === undefined ? undefined : this.mistakes.number(value, this.at(name), min, max);
  }

  choice<const Choice extends string>(
    name: string,
    choices: readonly Choice[],
    isRequired = false,
  ): Choice | undefined {
    const value = this.take(name);
    if (value === undefined && !isRequired) return undefined;
    return this.mistakes.choice(value, this.at(name), choices);
  }

  text(name: string): string | undefined {
    const value = this.take(name);
    if (value === undefined || (typeof value === 'string' && value !== '')) return value;
    this.mistakes.add(this.at(name), `${show(value)}; wanted: a text`);
    return undefined;
  }

  boolean(name: string): boolean | undefined {
    const value = this.take(name);
    if (value === undefined || typeof value === 'boolean') return value;
    this.mistakes.add(this.at(name), `${show(value)}; wanted: true or false`);
    return undefined;
  }

  list<T>(name: string, item: (value: unknown, path: string) => T): T[] | undefined {
    const value = this.take(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value)) return value.map((each, index) => item(each, `${this.at(name)}[${index}]`));
    this.mistakes.add(this.at(name), `${show(value)}; wanted: a list`);
    return undefined;
  }

  /** Called when all fields were asked for. */
  end(): void {
    for (const name of this.keys()) {
      if (!this.known.has(name)) this.mistakes.add(this.at(name), `unknown; known: ${[...this.known].join(', ')}`);
    }
  }
}

/** Long or nested values are cut: a message is for a line of a terminal. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
