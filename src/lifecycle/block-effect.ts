import {dirname} from 'node:path';
import {DaemonError, reasonOf} from '../errors.ts';
import {digestHosts} from '../members/hosts.ts';
import type {Hosts} from '../members/member.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import type {ProxyStatus} from '../reload/generations.ts';
import {fitsHosts} from './hosts-in-text.ts';
import type {Visit} from './lifecycle.ts';
import {CONFIGURE} from './manifest.ts';
import type {BlockEnd} from './shell-block.ts';
import type {Manifest} from './spec.ts';

export interface BlockEffectPorts {
  readonly log: Log;
  readonly manifest: Pick<Manifest, 'states' | 'isOf2017'>;
  readonly files: Pick<Files, 'readText' | 'readStamp' | 'readSize' | 'list'>;
  /** `proxy.cfg`. */
  readonly path: string;
  /** Whether HAProxy runs this text. */
  readonly isServing: (text: string) => boolean;
  /** How HAProxy is; generation 0 where none has run since the daemon started. */
  readonly status: () => Pick<ProxyStatus, 'state' | 'generation'>;
  /** What a visit is about. */
  readonly hostsOf: (visit: Visit) => Hosts | undefined;
  /** What was served before it. */
  readonly servedHosts: () => Hosts | undefined;
}

/**
 * Looks whether changed hosts reached HAProxy where `configure` has nothing but blocks, as in a manifest of 2017: its
 * block may end well and have done nothing, or end badly and have done everything.
 */
export interface BlockEffect {
  /** Before the visit's first block. */
  begin(visit: Visit): Promise<void>;
  /** A block of it ended by itself. Throws what it ended badly of, but in a manifest of 2017: there that alone fails no state. */
  blockEnded(visit: Visit, end: BlockEnd): void;
  /**
   * Rejects with LIFECYCLE when hosts changed and HAProxy does not serve them: it was not restarted, and nothing shows
   * that what it runs is what the block made of them. Also when a block ended badly and left no HAProxy at all, or when
   * there is a configuration and no HAProxy has run it yet.
   */
  check(visit: Visit, hasRestarted: boolean): Promise<void>;
}

/** Files beside `proxy.cfg` that are looked at; a data folder has some ten. */
const MAX_BESIDE = 200;

type Stamps = ReadonlyMap<string, string | undefined>;

export function createBlockEffect(ports: BlockEffectPorts): BlockEffect {
  const {manifest, log, files, path, isServing, hostsOf, servedHosts} = ports;
  const isUp = () => ports.status().state === 'RUNNING';
  const hasServed = () => ports.status().generation !== 0;
  const isMadeByBlocks = manifest.states.get(CONFIGURE)?.steps.every(({is}) => is === 'shell') === true;
  const visits = new WeakMap<Visit, {readonly stamps: Stamps; end: BlockEnd}>();
  const none: Hosts = new Map();

  const readStamps = async (): Promise<Stamps> => {
    const folder = dirname(path);
    const paths = (await files.list(folder)).slice(0, MAX_BESIDE).map(name => `${folder}/${name}`);
    return new Map(await Promise.all([path, ...paths].map(async one => [one, await files.readStamp(one)] as const)));
  };

  /** Of the files written since, one with this text: what the block made, found equal, and left lying there. */
  const hasMadeAnew = async (text: string, before: Stamps): Promise<boolean> => {
    for (const [one, stamp] of await readStamps()) {
      const isSame = async () =>
        (await files.readSize(one)) === Buffer.byteLength(text) && (await files.readText(one)) === text;
      if (stamp !== before.get(one) && (await isSame())) return true;
    }
    return false;
  };

  return {
    async begin(visit) {
      if (isMadeByBlocks && visit.tag === CONFIGURE) visits.set(visit, {stamps: await readStamps(), end: {said: ''}});
    },
    blockEnded(visit, end) {
      const begun = visits.get(visit);
      if (begun !== undefined) begun.end = end;
      if (end.fault === undefined) return;
      if (!manifest.isOf2017) throw end.fault;
      log.warn(
        {to: visit.tag, reason: reasonOf(end.fault)},
        'shell block failed: that alone fails no state in a manifest of 2017',
      );
    },
    async check(visit, hasRestarted) {
      const begun = visits.get(visit);
      if (begun === undefined || hasRestarted) return;
      const {stamps, end} = begun;
      if (end.fault !== undefined && !isUp()) throw end.fault;
      // A supervisorctl that could not ask us for a start shows in no exit code of a block that goes on.
      if (!isUp() && !hasServed() && (await files.readStamp(path)) !== undefined) {
        const what = `the block of ${CONFIGURE} started no haproxy with ${path}`;
        throw new DaemonError('LIFECYCLE', `cannot serve anything: ${what}; ${describeEnd(end)}`);
      }
      const [hosts, served] = [hostsOf(visit) ?? none, servedHosts() ?? none];
      if (digestHosts(hosts) === digestHosts(served)) return;
      // Nobody is left, and HAProxy was stopped for it.
      if (hosts.size === 0 && !isUp()) return;
      const text = await files.readText(path);
      const isRun = text !== undefined && isServing(text.endsWith('\n') ? text : `${text}\n`);
      if (isRun && (fitsHosts(text, served, hosts) || (await hasMadeAnew(text, stamps)))) return;
      const isWritten = (await files.readStamp(path)) !== stamps.get(path);
      const left = isWritten ? `wrote ${path} and did not restart haproxy` : `left ${path} and haproxy as they were`;
      throw new DaemonError(
        'LIFECYCLE',
        `cannot serve the changed hosts: the block of ${CONFIGURE} ${left}; ${describeEnd(end)}`,
      );
    },
  };
}

function describeEnd({said, fault}: BlockEnd): string {
  if (fault !== undefined) return fault.message.replace(/^.*?: its shell block/, 'it');
  return said === '' ? 'it said nothing' : `it said last: ${said}`;
}
