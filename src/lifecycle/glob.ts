/** `*` any run, `?` any one character, `[…]` a set (`[!…]` its complement), as Python's fnmatch. */
export function matchesGlob(glob: string, text: string): boolean {
  const pattern = glob.replace(
    /\[(!?)([^\]]+)\]|[\s\S]/g,
    (part, negated: string | undefined, set: string | undefined) => {
      if (set !== undefined) return `[${negated ? '^' : ''}${set.replace(/[\\^\]]/g, '\\$&')}]`;
      if (part === '*') return '[\\s\\S]*';
      if (part === '?') return '[\\s\\S]';
      return part.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
    },
  );
  return new RegExp(`^${pattern}$`).test(text);
}
