import {parseOutline} from './outline.ts';

/**
 * The backends of a text all of whose servers are at addresses that `isGone`, or that have none: that no server of them
 * is up says nothing that is not said of the pods. Pure.
 */
export function findOrphanedBackends(text: string, isGone: (ip: string) => boolean): ReadonlySet<string> {
  const orphaned = parseOutline(text).backends.filter(
    ({servers, own}) =>
      servers.every(({address}) => address.is === 'literal' && isGone(address.ip)) &&
      own.every(([keyword]) => keyword !== 'server-template'),
  );
  return new Set(orphaned.map(({name}) => name));
}
