import {readFile} from 'node:fs/promises';
import {DaemonError, reasonOf, rethrowBug} from '../../errors.ts';
import {createEventStream, type EventStream} from '../../http/events.ts';
import {openHistory, type PassHistory} from '../../lifecycle/history-file.ts';
import type {PassEnd} from '../../lifecycle/passes.ts';
import type {MemberChange} from '../../members/member-change.ts';
import {createTimelines, type Timelines} from '../../members/timeline.ts';
import {faultOfToken} from '../../ports/bearer.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {type Files, systemFiles as files} from '../../ports/files.ts';
import type {Log} from '../../ports/log.ts';
import {describeUnwritten} from '../../ports/write-fault.ts';
import {type AccessLog, openAccessLog} from '../../proxy/access-log.ts';
import {deriveLogTarget, logsToLocalSyslog} from '../../proxy/log-targets.ts';
import {openRollback, type Rollback} from '../../template/rollback.ts';
import type {Context} from './context.ts';

/** What is remembered for people, as the rest of the daemon reports it; the status port shows it. */
export interface Observation extends AsyncDisposable {
  readonly history: PassHistory;
  readonly rollback: Rollback;
  readonly timelines: Timelines;
  readonly accessLog: AccessLog | undefined;
  readonly stream: EventStream;
  /** Reads the operators' token; undefined where none is configured. */
  readonly loadToken: (() => Promise<string>) | undefined;
  noteMembers(change: MemberChange): void;
  notePass(end: PassEnd): void;
  /** The file that names our log target to HAProxy; undefined when the text's own target reaches us already. */
  logFileFor(text: string): Promise<string | undefined>;
}

interface ObservationContext extends Pick<Context, 'room' | 'output'> {
  readonly config: Pick<Context['config'], 'tokenFile' | 'dataFolder' | 'accessLog'>;
}

/** Rejects with CONFIG when the token cannot be read, with LISTEN when HAProxy's log lines cannot be taken in. */
export async function openObservation({config, room, output}: ObservationContext): Promise<Observation> {
  await using opening = new AsyncDisposableStack();
  const loadToken = await openTokenFile(config.tokenFile);
  const accessLog = await openAccessLines({config, room, output});
  opening.use(accessLog);
  const stream = createEventStream(clock);
  opening.defer(() => stream.close());
  const timelines = createTimelines();
  const folder = `${config.dataFolder}/history`;
  const history = await openHistory({
    files,
    log: room('history'),
    folder,
    whyLeft: pod => timelines.whyLeft(pod) ?? 'unknown',
  });
  opening.defer(() => history.settled());
  const rollback = await openRollback({files, clock, log: room('template')}, `${folder}/hold.json`);
  const closing = opening.move();

  return {
    history,
    rollback,
    timelines,
    accessLog,
    stream,
    loadToken,
    noteMembers({events, at}) {
      for (const event of events) timelines.note(event, at);
    },
    notePass({record, material, isFallback}) {
      // Each retry of a refused template makes one that changes nothing.
      if (isFallback && record.verdict === 'unchanged') return;
      const pods = material.input?.variables.pods;
      if (record.verdict !== 'failed' && pods !== undefined) {
        timelines.applied(record.pass, new Set(pods.map(({ip}) => ip)), clock.epochMs());
      }
      history.record(record, material);
    },
    logFileFor: createLogTarget(accessLog, {files, log: room('access'), path: `${config.dataFolder}/log.cfg`}),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** HAProxy's log lines, where they are wanted. */
async function openAccessLines({config, room, output}: ObservationContext): Promise<AccessLog | undefined> {
  const {accessLog: setting} = config;
  if (setting === undefined) return undefined;
  const {sink, recent, secrets} = output;
  const hideSecrets = secrets.hide;
  return openAccessLog({...setting, sink, clock, log: room('access'), hideSecrets, onLine: recent.access.add}).catch(
    cause => {
      throw new DaemonError(
        'LISTEN',
        `cannot listen for HAProxy's log lines on UDP port ${setting.port}: ${reasonOf(cause)}; set KONTROL_ACCESS_LOG to another port, or to off`,
        {cause},
      );
    },
  );
}

/**
 * The file that names our log target to a HAProxy with this text; undefined where lines reach us anyway, and where they are
 * not wanted. Without room for it HAProxy serves, and logs elsewhere.
 */
export const createLogTarget =
  (
    accessLog: Pick<AccessLog, 'port' | 'serveSyslogPort'> | undefined,
    {files, log, path}: {readonly files: Pick<Files, 'readText' | 'replace'>; readonly log: Log; readonly path: string},
  ): Observation['logFileFor'] =>
  async text => {
    if (accessLog === undefined) return undefined;
    if (logsToLocalSyslog(text) && (await accessLog.serveSyslogPort())) return undefined;
    const target = deriveLogTarget(accessLog.port);
    try {
      // Somebody may empty the data folder, or make a file one that cannot be read.
      if ((await files.readText(path).catch(rethrowBug)) !== target) await files.replace(path, target);
      return path;
    } catch (err) {
      const reason = describeUnwritten(path, err);
      log.warn({reason}, 'access log: its target cannot be written, HAProxy starts without it');
      return undefined;
    }
  };

/** How to read the operators' token; a file that holds none at start is a fault of the configuration. */
async function openTokenFile(path: string | undefined): Promise<(() => Promise<string>) | undefined> {
  if (path === undefined) return undefined;
  const load = () => readFile(path, 'utf8');
  const refuse = (reason: string, cause?: unknown) =>
    new DaemonError('CONFIG', `cannot read KONTROL_TOKEN_FILE ${path}: ${reason}`, {cause});
  const token = await load().catch(error => {
    throw refuse(reasonOf(error), error);
  });
  const fault = faultOfToken(token);
  if (fault !== undefined) throw refuse(`it ${fault}`);
  return load;
}
