import type {ReloadSetting} from '../config/config.ts';
import {DaemonError, reasonOf} from '../errors.ts';
import type {Firewall} from '../firewall/gate.ts';
import {adoptProcess} from '../jobs/adopted.ts';
import type {Job, Ladder} from '../jobs/job.ts';
import type {ProcessTable} from '../jobs/proc.ts';
import {sleep} from '../ports/clock.ts';
import {type Bind, parseBinds} from '../proxy/binds.ts';
import {parseGlobals} from '../proxy/globals.ts';
import {pathsOf, runFolderOf} from './files.ts';
import {
  createGeneration,
  type GenerationPorts,
  hasProcess,
  type StagedGeneration,
  TERMINATE,
  writeGeneration,
} from './generation.ts';
import {openLedger} from './ledger.ts';
import {findLeftovers, type Leftover} from './leftovers.ts';
import {planReload, type ReloadPlan, type ReloadWay} from './plan.ts';
import {takeOver} from './take-over.ts';

/*
 * INVARIANTS
 * - `proxy.cfg` is the text of `current`: it is renamed into place when the new generation is ready and before the old
 *   one is told to go, so a failure on the way there leaves text and proxy as they were.
 * - Every HAProxy we started or adopted is `current`, in `outgoing`, or a candidate inside one `apply`.
 * - Only `current` is restarted when it dies; the others end.
 */

/** How a candidate came to serve. */
export interface Applied {
  readonly generation: number;
  readonly way: ReloadWay | 'start';
  readonly why: string;
}

/** A configuration on disk under its generation's number, to be validated and applied. */
export interface Candidate {
  readonly text: string;
  readonly generation: number;
  /** The `-f` files, in order. */
  readonly files: readonly string[];
}

export interface ProxyStatus {
  readonly state: Job['is'];
  readonly pid: number | null;
  readonly generation: number;
  readonly restarts: number;
  readonly draining: readonly {readonly pid: number; readonly generation: number; readonly sinceMs: number}[];
}

export interface ReloadStatus {
  readonly way: ReloadWay;
  readonly why: string;
  readonly listeners: readonly {readonly address: string; readonly way: ReloadWay}[];
}

/** The HAProxy processes of one data folder: the one that serves, and those that finish their connections. */
export interface Generations {
  /** `proxy.cfg`. */
  readonly committedPath: string;
  /** The text that serves, or undefined when none does (yet). */
  readonly text: string | undefined;
  /** Writes a candidate's files. Rejects with APPLY on a full disk. */
  stage(text: string): Promise<Candidate>;
  /** Removes a candidate's files. Never rejects. */
  discard(candidate: Candidate): Promise<void>;
  /** Starts the candidate, makes it `proxy.cfg` and lets the old generation drain. On rejection the old one serves on. */
  apply(candidate: Candidate): Promise<Applied>;
  /** Lets every generation finish its connections; true when all did within the grace, of which `skip` leaves 1 s. */
  drain(graceMs: number, skip: AbortSignal): Promise<boolean>;
  /** The runtime socket of the generation that serves. */
  readonly socket: string;
  readonly status: ProxyStatus;
  readonly reload: ReloadStatus;
}

export interface GenerationsPorts extends Omit<GenerationPorts, 'onLaunch' | 'onChange'> {
  readonly dataFolder: string;
  readonly firewall: Firewall;
  readonly processes: ProcessTable;
  readonly setting: ReloadSetting;
  readonly settleMs: number;
  readonly drain: {readonly maxAgeMs: number; readonly maxCount: number};
  /** HAProxy died too often in a row: nothing serves any more. */
  readonly onFatal: (error: DaemonError) => void;
}

/** What a second SIGTERM leaves of the grace: an idle HAProxy is gone within milliseconds and shall count as drained. */
const SKIPPED_GRACE_MS = 1000;

const FINISH: Ladder = [{signal: 'SIGUSR1', graceMs: 0}];

/** Opens the generations of a data folder, adopting what an earlier daemon left running there. */
export async function openGenerations(ports: GenerationsPorts): Promise<Generations> {
  const {clock, dataFolder, files, firewall, log, processes} = ports;
  let current: StagedGeneration | undefined;
  let outgoing: StagedGeneration[] = [];
  let last = 0;
  /** Numbers are given when a candidate is staged: two may be on disk at once, a pass's and a script's. */
  let lastStaged = 0;
  let restarts = 0;
  /** An adopted generation serves, but what it runs was not seen by us: the first pass reloads whatever its text is. */
  let isOurs = false;

  const living = (): StagedGeneration[] => [...outgoing, ...(current === undefined ? [] : [current])];

  const ledger = openLedger(
    dataFolder,
    () => ({
      last,
      processes: living().flatMap(({number, supervisor}) =>
        supervisor.child === undefined ? [] : [{pid: supervisor.child.pid, generation: number}],
      ),
      servingPid: current?.supervisor.child?.pid,
    }),
    ports,
  );

  const generationPorts: GenerationPorts = {
    ...ports,
    onLaunch(generation) {
      last = Math.max(last, generation.number);
      void ledger.write();
    },
    onChange(generation, job) {
      if (generation === current) {
        if (job.is === 'STARTING') restarts += 1;
        if (job.is === 'FATAL') ports.onFatal(fatalError(job));
      } else if (outgoing.includes(generation) && !hasProcess(job)) {
        outgoing = outgoing.filter(one => one !== generation);
        void forget(generation.number);
      }
    },
  };

  const forget = async (number: number): Promise<void> => {
    try {
      for (const path of Object.values(pathsOf(dataFolder, number))) await files.remove(path);
    } catch (err) {
      log.warn({generation: number, err}, 'cannot remove the files of a generation');
    }
  };

  const promote = (generation: StagedGeneration): void => {
    if (current !== undefined) outgoing = [...outgoing, current];
    current = generation;
    generation.promote();
    const surplus = Math.max(0, outgoing.length - ports.drain.maxCount);
    for (const {supervisor} of outgoing.slice(0, surplus)) supervisor.stop(TERMINATE);
  };

  const retire = (generation: StagedGeneration): void =>
    generation.supervisor.stop([{signal: 'SIGUSR1', graceMs: ports.drain.maxAgeMs}, ...TERMINATE]);

  const link = async (generation: StagedGeneration): Promise<void> => {
    try {
      await files.pointLink(`${dataFolder}/haproxy.sock`, generation.paths.socket.slice(dataFolder.length + 1));
    } catch (err) {
      log.warn({err, generation: generation.number}, 'cannot point haproxy.sock at the new generation');
    }
  };

  const planFor = (text: string): ReloadPlan =>
    planReload({
      setting: ports.setting,
      gate: firewall.capability,
      noreuseport: [text, current?.text ?? ''].some(one => parseGlobals(one).noreuseport),
    });

  const adopt = async ({identity, generation: number, listens}: Leftover): Promise<void> => {
    const paths = pathsOf(dataFolder, number);
    const configuration = number === 0 ? committedPath : paths.configuration;
    const text = (await files.readText(configuration).catch(() => undefined)) ?? '';
    const generation = createGeneration({number, text, paths: {...paths, configuration}}, generationPorts);
    log.info({generation: number, pid: identity.pid, listens}, 'taking over a HAProxy that an earlier daemon left');
    generation.supervisor.adopt(adoptProcess(identity, {clock, processes}));
    if (listens) {
      promote(generation);
    } else {
      outgoing = [...outgoing, generation];
      retire(generation);
    }
  };

  const committedPath = `${dataFolder}/proxy.cfg`;
  await files.makeFolder(runFolderOf(dataFolder));
  const records = await ledger.load();
  const leftovers = await findLeftovers(records, dataFolder, processes);
  last = Math.max(records.last, ...leftovers.map(({generation}) => generation));
  for (const leftover of leftovers) await adopt(leftover);
  await sweepFiles(new Set(living().map(({number}) => number)));

  async function sweepFiles(kept: ReadonlySet<number>): Promise<void> {
    for (const name of await files.list(runFolderOf(dataFolder))) {
      const number = /^(\d+)\./.exec(name)?.[1];
      if (number !== undefined && !kept.has(Number(number))) await files.remove(`${runFolderOf(dataFolder)}/${name}`);
    }
  }

  return {
    committedPath,

    get text() {
      return isOurs ? current?.text : undefined;
    },

    async stage(text) {
      const generation = Math.max(last, lastStaged) + 1;
      lastStaged = generation;
      const paths = pathsOf(dataFolder, generation);
      await writeGeneration(files, paths, text);
      return {text, generation, files: [paths.configuration, paths.control]};
    },

    async discard({generation}) {
      await forget(generation);
      // Never started, so its number is free again: what is refused time and again is refused in the same words.
      if (generation === lastStaged) lastStaged -= 1;
    },

    async apply({text, generation: number}) {
      const generation = createGeneration({number, text, paths: pathsOf(dataFolder, number)}, generationPorts);
      const old = living().filter(({supervisor}) => supervisor.job.is !== 'STOPPING');
      const plan = planFor(text);
      let asPlanned: boolean;
      try {
        asPlanned = await takeOver(generation, old, plan, {...ports, committedPath, promote, retire});
      } catch (error) {
        if (generation !== current) await forget(number);
        if (error instanceof DaemonError) throw error;
        throw new DaemonError('APPLY', `cannot apply generation ${number}: ${reasonOf(error)}`, {cause: error});
      }
      isOurs = true;
      await link(generation);
      await ledger.write();
      if (old.length === 0) return {generation: number, way: 'start', why: 'no generation served before'};
      if (asPlanned) return {generation: number, way: plan.way, why: plan.why};
      return {generation: number, way: 'plain', why: 'iptables refused the SYN gate, see the log'};
    },

    async drain(graceMs, skip) {
      const leaving = living();
      for (const {supervisor} of leaving) supervisor.stop(FINISH);
      const gone = Promise.all(leaving.map(({supervisor}) => supervisor.reached(job => !hasProcess(job))));
      const isInTime = await Promise.race([
        gone.then(() => true),
        sleep(clock, graceMs, skip)
          .catch(() => sleep(clock, Math.min(graceMs, SKIPPED_GRACE_MS)))
          .then(() => false),
      ]);
      if (isInTime) return true;
      log.warn({generations: leaving.map(({number}) => number)}, 'connections outlived the grace: ending HAProxy');
      for (const {supervisor} of leaving) supervisor.stop(TERMINATE);
      await gone;
      return false;
    },

    get socket() {
      return current?.paths.socket ?? `${dataFolder}/haproxy.sock`;
    },

    get status() {
      return {
        state: current?.supervisor.job.is ?? 'STOPPED',
        pid: current?.supervisor.child?.pid ?? null,
        generation: current?.number ?? 0,
        restarts,
        draining: outgoing.flatMap(({number, supervisor}) => {
          const {child, job} = supervisor;
          if (child === undefined || job.is !== 'STOPPING') return [];
          return [{pid: child.pid, generation: number, sinceMs: Math.round(clock.nowMs() - job.sinceMs)}];
        }),
      };
    },

    get reload() {
      const {way, why} = planFor('');
      const listeners = parseBinds(current?.text ?? '').flatMap(bind =>
        bind.is === 'tcp' ? [{address: addressText(bind), way}] : [],
      );
      return {way, why, listeners};
    },
  };
}

const addressText = ({host, from, to}: Bind & {is: 'tcp'}): string =>
  `${host.includes(':') ? `[${host}]` : host}:${from === to ? from : `${from}-${to}`}`;

const fatalError = (job: Job & {is: 'FATAL'}): DaemonError => {
  const exit = job.exit.signal ?? `exit code ${job.exit.code ?? 'unknown'}`;
  return new DaemonError(
    'PROXY',
    `cannot keep HAProxy running: it died ${job.failures} times in a row, last by ${exit}: see proxy.out in KONTROL_DATA`,
  );
};
