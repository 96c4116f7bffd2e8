const DECLARATION =
  /^[ \t]*(?:acl|backend|cache|frontend|listen|mailers|nameserver|peers?|resolvers|ring|server|userlist)[ \t]+([\w.:-]+)/gm;

/** Tells whether a word is the name of a section, an ACL or a server of the text, which is read when first asked for. */
export function createDeclaredNames(text: string): (word: string) => boolean {
  let names: ReadonlySet<string> | undefined;
  return word => {
    names ??= new Set(Array.from(text.matchAll(DECLARATION), ([, name = '']) => name));
    return names.has(word);
  };
}
