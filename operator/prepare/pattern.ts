/** Shell patterns: `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`; a backslash takes the next character as it is. */
export function compilePattern(pattern: string, ignoreCase: boolean): (name: string) => boolean {
  const expression = new RegExp(`^${translate(pattern)}$`, ignoreCase ? 'isu' : 'su');
  return (name) => expression.test(name);
}

/** A pattern that can match one name only, and that name; null for any other. */
export function plainName(pattern: string): string | null {
  return /(?:^|[^\\])(?:\\\\)*[*?[]/.test(pattern) ? null : pattern.replaceAll(/\\(.)/gsu, '$1');
}

function translate(pattern: string): string {
  const token = /\\(?<escaped>.)|(?<star>\*+)|(?<any>\?)|\[(?<not>!?)(?<set>\]?[^\]]*)\]|(?<plain>.)/gsu;
  return [...pattern.matchAll(token)]
    .map(({ groups }) => {
      const { escaped, star, any, not, set, plain } = groups as Record<string, string | undefined>;
      if (star !== undefined) return '.*';
      if (any !== undefined) return '.';
      if (set) return `[${not ? '^' : ''}${set.replaceAll(/[\\\][^&|~]/g, '\\$&')}]`;
      if (set !== undefined) return quote(`[${not ?? ''}]`);
      return quote(escaped ?? plain ?? '');
    })
    .join('');
}

function quote(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
