import {execFileSync} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {DaemonError} from '../../src/errors.ts';
import type {Firewall} from '../../src/firewall/gate.ts';
import {openProcessTable} from '../../src/jobs/proc.ts';
import {superviseJob} from '../../src/jobs/supervisor.ts';
import {systemClock} from '../../src/ports/clock.ts';
import {systemFiles} from '../../src/ports/files.ts';
import {openLog} from '../../src/ports/log.ts';
import {systemSpawn} from '../../src/ports/spawn.ts';
import {parseInfo} from '../../src/proxy/answers.ts';
import {ask} from '../../src/proxy/runtime.ts';
import {parseVersion} from '../../src/proxy/version.ts';
import {bindOnly, probeBindOnly} from '../../src/reload/bind-only.ts';
import type {Applied} from '../../src/reload/candidate.ts';
import {type Capabilities, probeCapabilities} from '../../src/reload/capabilities.ts';
import {type Generations, openGenerations} from '../../src/reload/generations.ts';
import type {GenerationsPorts} from '../../src/reload/generations-state.ts';
import {exchange, getSegments} from '../support/exchange.ts';
import {haproxyBinary} from '../support/parts.ts';
import {endProcessesOf} from '../support/processes.ts';

/** A gate of no effect that tells how it was used; `refuse` makes it fail. */
export interface FakeGate extends Firewall {
  refuse: boolean;
  readonly closed: readonly (readonly number[])[];
  readonly isShut: boolean;
}

/** A gate that only notes what it was asked to close. */
export function createFakeGate(): FakeGate {
  const closed: (readonly number[])[] = [];
  let isShut = false;
  return {
    refuse: false,
    closed,
    get isShut() {
      return isShut;
    },
    capability: {is: 'able', families: ['ipv4'], variant: 'a fake'},
    async closeGate(ports) {
      if (this.refuse) throw new DaemonError('APPLY', 'another program holds the lock of xtables');
      closed.push(ports);
      isShut = true;
      return {
        closedAtMs: 0,
        async [Symbol.asyncDispose]() {
          isShut = false;
        },
      };
    },
    shutMs: () => 0,
    lastShutMs: () => 0,
  };
}

/** The generations of a folder of the test's own, run by this very process on this machine's loopback. */
export interface Here extends AsyncDisposable {
  readonly generations: Generations;
  readonly gate: FakeGate;
  readonly folder: string;
  readonly fatal: readonly DaemonError[];
  readonly lines: readonly string[];
  /** Stages and applies a text. */
  apply(text: string): Promise<Applied>;
  /** How starts of HAProxy fail from now on: `dies`, `mute`, `other <file>`, or `` for not at all. */
  fault(what: string): Promise<void>;
  /** One command on the stable link to the runtime socket. */
  ask(command: string): Promise<string>;
}

export interface HereOptions extends Partial<Omit<GenerationsPorts, 'capabilities'>> {
  readonly capable?: Partial<Capabilities>;
  /** A folder of an earlier one. */
  readonly folder?: string;
}

const FAULTY = fileURLToPath(new URL('../fixtures/faulty-haproxy', import.meta.url));

export async function openHere({capable, folder: given, ...more}: HereOptions = {}): Promise<Here> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'kontrol-here-')));
  const version = parseVersion(execFileSync(haproxyBinary, ['-v'], {encoding: 'utf8'}));
  const gate = createFakeGate();
  const capabilities = await probeCapabilities({
    files: systemFiles,
    version,
    build: '',
    gate: gate.capability,
    bindObstacle: probeBindOnly(),
  });
  const lines: string[] = [];
  const {log} = openLog('trace', {write: (line: string) => void lines.push(line)});
  const fatal: DaemonError[] = [];
  const faultFile = join(folder, 'fault');
  await writeFile(faultFile, '\n');
  const askSocket = (socket: string, command: string) => ask(socket, command, {timeoutMs: 1000});
  const faultySpawn: GenerationsPorts['spawn'] = {
    ...systemSpawn,
    start: (command, onLine) =>
      systemSpawn.start({...command, env: {FAULTY_REAL: haproxyBinary, FAULTY_FILE: faultFile}}, onLine),
  };
  const processes = openProcessTable();
  const generations = await openGenerations({
    clock: systemClock,
    files: systemFiles,
    spawn: faultySpawn,
    processes,
    hasPendingHandshakes: processes.hasPendingHandshakes,
    firewall: gate,
    log,
    dataFolder: folder,
    haproxy: FAULTY,
    bind: bindOnly,
    version,
    setting: 'auto',
    settleMs: 1,
    hangMs: 10_000,
    drain: {maxAgeMs: 60_000, maxCount: 16},
    supervise: superviseJob,
    readyWithinMs: 20_000,
    ask: askSocket,
    pidIn: answer => Number(parseInfo(answer).get('Pid')),
    onOutput: (_generation, _pid, line) => void lines.push(line),
    ...more,
    capabilities: {...capabilities, migrate: false, ...capable},
  });
  void generations.failed.then(error => fatal.push(error));
  return {
    generations,
    gate,
    folder,
    fatal,
    lines,
    apply: async text => generations.apply(await generations.stage(text)),
    fault: what => writeFile(faultFile, `${what}\n`),
    ask: command => askSocket(`${folder}/haproxy.sock`, command),
    async [Symbol.asyncDispose]() {
      await generations.drain(0, AbortSignal.abort());
      await endProcessesOf(folder);
      await rm(folder, {recursive: true, force: true, maxRetries: 10});
    },
  };
}

/** A text that answers 503 on loopback by itself; `round` makes it another one that no running HAProxy can be told. */
export const textOn = (ports: readonly number[], round = 0, more = ''): string => `global
  maxconn ${500 + round}
${more}
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend web
${ports.map(port => `  bind 127.0.0.1:${port}\n`).join('')}  default_backend none
backend none
  option httpclose
`;

/** What a new connection gets: the status of an answer, or the kind of its failure. */
export async function statusOf(port: number, timeoutMs = 3000): Promise<number | string> {
  const outcome = await exchange({host: '127.0.0.1', port, segments: getSegments('/', 'here'), timeoutMs});
  return outcome.is === 'answered' ? outcome.answer.status : outcome.kind;
}
