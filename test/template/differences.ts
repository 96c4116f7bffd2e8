/** The cases of the corpus whose outcome differs from Jinja2's, each with its reason. */
export const DIFFERENCES: ReadonlyMap<string, string> = new Map([]);
