/** What is known of the environment HAProxy will see; `complete` when a variable missing here is missing there too. */
export interface HaproxyEnvironment {
  readonly known: ReadonlyMap<string, string>;
  readonly complete: boolean;
}

/** `$NAME`, `${NAME}` or `${NAME-default}` (the last since 2.4); sticky, so set `lastIndex`. */
export const VARIABLE = /\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:-([^}]*))?\})/y;

/** The same where no brace is closed any more: to look for its end at each `${` would take the square of the length. */
export const BARE_VARIABLE = /\$([A-Za-z_]\w*)/y;

const EVERY_VARIABLE = new RegExp(VARIABLE.source, 'g');
const EVERY_BARE_VARIABLE = new RegExp(BARE_VARIABLE.source, 'g');

/** Replaces the variables of `text` by their values. One that is not known stays as written, `$` and all. */
export function expandVariables(text: string, {known, complete}: HaproxyEnvironment): string {
  const end = text.lastIndexOf('}') + 1;
  const closed = text
    .slice(0, end)
    .replace(EVERY_VARIABLE, (written, bare?: string, braced?: string, fallback?: string) => {
      const value = known.get(bare ?? braced ?? '');
      return value ?? (complete ? fallback : undefined) ?? written;
    });
  return closed + text.slice(end).replace(EVERY_BARE_VARIABLE, (written, bare: string) => known.get(bare) ?? written);
}

/** The variables after `setenv`, `presetenv` or `unsetenv` of a `global` section; another verb changes nothing. */
export function nextVariables(
  {known, complete}: HaproxyEnvironment,
  verb: string,
  name: string,
  value = '',
): HaproxyEnvironment {
  const next = new Map(known);
  if (verb === 'setenv') next.set(name, value);
  // It sets what is absent; where absence cannot be known, the variable stays unknown.
  if (verb === 'presetenv' && complete && !known.has(name)) next.set(name, value);
  if (verb === 'unsetenv') next.delete(name);
  return {known: next, complete};
}
