import {DaemonError} from '../errors.ts';
import {digestHosts} from '../members/hosts.ts';
import type {Hosts} from '../members/member.ts';
import type {Files} from '../ports/files.ts';
import type {Visit} from './lifecycle.ts';
import {CONFIGURE} from './manifest.ts';
import type {Manifest} from './spec.ts';

export interface BlockEffectPorts {
  readonly manifest: Pick<Manifest, 'states'>;
  readonly files: Pick<Files, 'readText' | 'readStamp'>;
  /** `proxy.cfg`. */
  readonly path: string;
  /** Whether HAProxy runs this text. */
  readonly isServing: (text: string) => boolean;
  /** What a visit is about. */
  readonly hostsOf: (visit: Visit) => Hosts | undefined;
  /** What was served before it. */
  readonly servedHosts: () => Hosts | undefined;
}

/**
 * Looks whether changed hosts reached HAProxy where `configure` has nothing but blocks, as in a manifest of 2017: its
 * block may end well and have done nothing.
 */
export interface BlockEffect {
  /** Before the visit's first block. */
  begin(visit: Visit): Promise<void>;
  /** A block of it ended well, and wrote this last. */
  heard(visit: Visit, said: string): void;
  /**
   * Rejects with LIFECYCLE when hosts changed, HAProxy was not restarted, and `proxy.cfg` was not written, or holds
   * something that HAProxy does not run.
   */
  check(visit: Visit, hasRestarted: boolean): Promise<void>;
}

export function createBlockEffect(ports: BlockEffectPorts): BlockEffect {
  const {manifest, files, path, isServing, hostsOf, servedHosts} = ports;
  const isMadeByBlocks = manifest.states.get(CONFIGURE)?.steps.every(({is}) => is === 'shell') ?? false;
  const visits = new WeakMap<Visit, {readonly stamp: string | undefined; said: string}>();
  const digest = (hosts: Hosts = new Map()) => digestHosts(hosts);

  return {
    async begin(visit) {
      if (isMadeByBlocks && visit.tag === CONFIGURE) {
        visits.set(visit, {stamp: await files.readStamp(path), said: ''});
      }
    },
    heard(visit, said) {
      const begun = visits.get(visit);
      if (begun !== undefined) begun.said = said;
    },
    async check(visit, hasRestarted) {
      const begun = visits.get(visit);
      if (begun === undefined || hasRestarted || digest(hostsOf(visit)) === digest(servedHosts())) return;
      const text = await files.readText(path);
      const isWritten = (await files.readStamp(path)) !== begun.stamp;
      if (isWritten && text !== undefined && isServing(text.endsWith('\n') ? text : `${text}\n`)) return;
      const left = isWritten ? `wrote ${path} and did not restart haproxy` : `left ${path} and haproxy as they were`;
      const said = begun.said === '' ? 'said nothing' : `said last: ${begun.said}`;
      throw new DaemonError(
        'LIFECYCLE',
        `cannot serve the changed hosts: the block of ${CONFIGURE} ${left}; it ${said}`,
      );
    },
  };
}
