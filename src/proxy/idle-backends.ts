import {parseOutline} from './outline.ts';
import type {ServerLine} from './server-line.ts';

/** Why no server of a backend needs to be up. */
export interface IdleBackends {
  /** Its servers are all at addresses that are gone: what is to be said of it is said of the pods. */
  readonly left: ReadonlySet<string>;
  /** The text itself takes all that are there out of service (`disabled`, `weight 0`). */
  readonly meant: ReadonlySet<string>;
}

/** The backends of a text that need no server that is up. Pure. */
export function findIdleBackends(text: string, isGone: (ip: string) => boolean): IdleBackends {
  const backends = parseOutline(text).backends.filter(({own}) =>
    own.every(([keyword]) => keyword !== 'server-template'),
  );
  const hasLeft = ({address}: ServerLine) => address.is === 'literal' && isGone(address.ip);
  const isOut = ({disabled, weight}: ServerLine) => disabled || weight === 0;
  const namesOf = (isIdle: (server: ServerLine) => boolean) =>
    new Set(backends.filter(({servers}) => servers.every(isIdle)).map(({name}) => name));
  return {left: namesOf(hasLeft), meant: namesOf(server => isOut(server) || hasLeft(server))};
}
