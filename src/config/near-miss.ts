import {distance, tolerance} from './edit-distance.ts';

/** A name that is no setting, and the one that was probably meant. */
export interface NearMiss {
  readonly given: string;
  readonly meant: string;
}

const PREFIX = 'KONTROL';

/** No setting has a name half as long. */
const MAX_CHARACTERS = 64;

/**
 * What Kubernetes sets for each Service whose name begins with "kontrol": `KONTROL_SERVICE_HOST`, `KONTROL_PORT_8000_TCP`
 * and their like (kubernetes.io, "Environment variables" of a Service).
 */
const SERVICE_NAME = /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/;

/** Endings that people add, or forget. */
const ENDING = /(?:_?(?:MS|S|SEC|SECONDS|FILE|PATH|DIR|FOLDER))$/;

const bare = (name: string): string => name.replaceAll('_', '');

/** How far a name behind its prefix is from that of a setting; undefined when it is another one altogether. */
function distanceTo(given: string, setting: string): number | undefined {
  const pairs = [
    [bare(given), bare(setting)],
    [bare(given.replace(ENDING, '')), bare(setting.replace(ENDING, ''))],
  ] as const;
  const distances = pairs.flatMap(([a, b]) => {
    const found = distance(a, b);
    return found <= tolerance(Math.min(a.length, b.length)) ? [found] : [];
  });
  return distances.length === 0 ? undefined : Math.min(...distances);
}

/**
 * Names of the environment that are near to a setting's, but none: another case, a letter too many, a unit that is not
 * part of it. What Kubernetes sets for Services is left out, and so is what is far from all: templates and shell blocks
 * may have variables of their own.
 */
export function findNearMisses(names: readonly string[], settings: ReadonlySet<string>): readonly NearMiss[] {
  const known = [...settings].filter(name => name.startsWith(`${PREFIX}_`));
  return names.flatMap(given => {
    const folded = given.toUpperCase().replaceAll('-', '_');
    const [prefix = '', ...words] = folded.split('_');
    if (settings.has(given) || given.length > MAX_CHARACTERS || SERVICE_NAME.test(given)) return [];
    const isOurs = prefix === PREFIX;
    if (words.length === 0) return [];
    if (!isOurs && !(prefix.startsWith('K') && distance(prefix, PREFIX) === 1)) return [];
    const found = known.flatMap(meant => {
      const far = distanceTo(words.join('_'), meant.slice(PREFIX.length + 1));
      // A prefix that is not ours stands for ours only before a name that is.
      return far === undefined || (!isOurs && far > 0) ? [] : [{meant, far}];
    });
    const [nearest] = found.sort((a, b) => a.far - b.far);
    return nearest === undefined ? [] : [{given, meant: nearest.meant}];
  });
}
