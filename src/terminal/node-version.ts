/** What `engines` of package.json asks for. */
const NEEDED_MAJOR = 24;

/**
 * Why this program cannot run on a Node.js of that version (`20.1.0`); undefined where it can. Without it, people outside
 * the images are told of functions that an older one does not have.
 */
export function describeOldNode(version: string): string | undefined {
  const major = Number.parseInt(version, 10);
  return major >= NEEDED_MAJOR ? undefined : `cannot run on Node.js ${version}: it takes ${NEEDED_MAJOR} or newer`;
}
