/** The environment of shell blocks: what `SET` gave, bounded. */
export interface BlockVariables {
  /** Why it cannot be set: there would be too many, or too much in them. Undefined when it is. */
  set(name: string, value: string): string | undefined;
  all(): Readonly<Record<string, string>>;
}

const MAX_VARIABLES = 256;

/** All of them together; Linux gives a quarter of the stack, 2 MiB as a rule, to arguments and environment. */
const MAX_TOTAL_BYTES = 512 << 10;

/** Linux takes one `NAME=value` of at most that many bytes, its final NUL included (MAX_ARG_STRLEN, execve(2)). */
const MAX_ONE_BYTES = 128 << 10;

/** Whether the kernel would hand over that variable. */
export const fitsEnvironment = (name: string, value: string): boolean =>
  Buffer.byteLength(name) + Buffer.byteLength(value) + 2 <= MAX_ONE_BYTES && !value.includes('\0');

export function createBlockVariables(): BlockVariables {
  const variables = new Map<string, string>();
  return {
    set(name, value) {
      if (!fitsEnvironment(name, value)) return `name and value have ${MAX_ONE_BYTES >> 10} KiB at most`;
      const next = new Map(variables).set(name, value);
      const bytes = [...next].reduce((sum, entry) => sum + Buffer.byteLength(entry.join('=')), 0);
      if (next.size > MAX_VARIABLES) return `there are ${MAX_VARIABLES} variables at most`;
      if (bytes > MAX_TOTAL_BYTES) return `all variables have ${MAX_TOTAL_BYTES >> 10} KiB at most`;
      variables.set(name, value);
      return undefined;
    },
    all: () => Object.fromEntries(variables),
  };
}

/** Those that fit, and the names of the others. */
export function splitFitting(variables: Readonly<Record<string, string>>): {
  readonly fitting: Readonly<Record<string, string>>;
  readonly tooLong: readonly string[];
} {
  const entries = Object.entries(variables);
  return {
    fitting: Object.fromEntries(entries.filter(([name, value]) => fitsEnvironment(name, value))),
    tooLong: entries.filter(([name, value]) => !fitsEnvironment(name, value)).map(([name]) => name),
  };
}
