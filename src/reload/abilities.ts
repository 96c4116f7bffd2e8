import type {RuntimeAbilities} from '../proxy/difference.ts';
import {parseAddWords} from '../proxy/server-commands.ts';
import {releaseOf, type Version} from '../proxy/version.ts';
import {isAtLeast} from './capabilities.ts';

/** What the HAProxy that runs can be told, by its runtime socket. */
export interface Abilities {
  of(socket: string): Promise<RuntimeAbilities>;
}

/** The version tells most of it; from 3.2 on a running HAProxy lists the words of `add server`, asked for once. Never rejects. */
export function createAbilities(
  ask: (socket: string, command: string) => Promise<string>,
  version: Version,
): Abilities {
  const release = releaseOf(version);
  let known: RuntimeAbilities | undefined = isAtLeast(version, 3, 2) ? undefined : {release};
  return {
    async of(socket) {
      if (known !== undefined) return known;
      const answer = await ask(socket, 'add server help').catch(() => undefined);
      if (answer === undefined) return {release, addWords: new Set()};
      known = {release, addWords: parseAddWords(answer)};
      return known;
    },
  };
}
