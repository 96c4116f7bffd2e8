import {readFile} from 'node:fs/promises';
import type {FastifyInstance} from 'fastify';
import type {Config} from '../config/config.ts';
import {serveDashboard} from '../dashboard/serve.ts';
import {DaemonError, reasonOf} from '../errors.ts';
import {buildStatus, type StatusParts} from '../http/build-status.ts';
import {createEventStream} from '../http/events.ts';
import {openLiveFeed} from '../http/live.ts';
import {createStatus} from '../http/status.ts';
import {openHistory, type PassHistory} from '../lifecycle/history-file.ts';
import type {PassMaterial, PassRecord} from '../lifecycle/passes.ts';
import type {MemberChange} from '../members/change-feed.ts';
import type {MemberView} from '../members/member.ts';
import {createTimelines} from '../members/timeline.ts';
import {openHaproxyScrape} from '../metrics/haproxy-scrape.ts';
import type {Metrics} from '../metrics/metrics.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {OpenedLog} from '../ports/log.ts';
import type {RecentLines} from '../ports/recent-lines.ts';
import {type AccessLog, type LineSink, openAccessLog} from '../proxy/access-log.ts';
import {parseInfo, parseStat} from '../proxy/answers.ts';
import {deriveLogTarget, logsToLocalSyslog} from '../proxy/log-targets.ts';
import {openTrafficSampler} from '../proxy/traffic-sampler.ts';
import {openTemplateHold, type TemplateHold} from '../template/hold.ts';
import {createActions} from './operator-actions.ts';

/** Frontends (1) and backends (2) of all proxies: management.txt 9.3, "show stat". */
const TRAFFIC_COMMAND = 'show stat -1 3 -1';

export interface ObservationPorts {
  readonly config: Config;
  readonly clock: Clock;
  readonly files: Files;
  readonly opened: OpenedLog;
  readonly sink: LineSink;
  readonly recent: {readonly daemon: RecentLines; readonly access: RecentLines};
}

/** What the rest of the daemon looks like once it is put together. */
export interface Observed {
  readonly status: () => Omit<StatusParts, 'hold' | 'logLevel' | 'accessLog'>;
  readonly members: () => readonly MemberView[];
  readonly configuration: () => string | undefined;
  readonly isReady: () => boolean;
  readonly metrics: Pick<Metrics, 'read'>;
  readonly demand: (cause: string) => Promise<void>;
  /** One command on the runtime socket of the generation that serves. */
  readonly askProxy: (command: string) => Promise<string>;
}

/** What operators see, as the composition root needs it: first what others report to, then the status port over all. */
export interface Observation extends AsyncDisposable {
  readonly history: PassHistory;
  readonly hold: TemplateHold;
  readonly accessLog: AccessLog | undefined;
  noteMembers(change: MemberChange): void;
  recordPass(record: PassRecord, material: PassMaterial): void;
  /** The file that names our log target to HAProxy; undefined when the text's own target reaches us already. */
  logFileFor(text: string): Promise<string | undefined>;
  createStatusPort(observed: Observed): FastifyInstance;
}

export async function openObservation(ports: ObservationPorts): Promise<Observation> {
  const {config, clock, files, opened} = ports;
  const {room} = opened;
  const loadToken = await openTokenFile(config.tokenFile);
  await using opening = new AsyncDisposableStack();
  const {accessLog: setting} = config;
  const accessLog =
    setting === undefined
      ? undefined
      : opening.use(
          await openAccessLog({
            ...setting,
            sink: ports.sink,
            clock,
            log: room('access'),
            onLine: ports.recent.access.add,
          }).catch(cause => {
            throw new DaemonError(
              'LISTEN',
              `cannot listen for HAProxy's log lines on UDP port ${setting.port}: ${reasonOf(cause)}; set KONTROL_ACCESS_LOG to another port, or to off`,
              {cause},
            );
          }),
        );
  const logFile = openLogFile(ports, `${config.dataFolder}/log.cfg`);
  const stream = createEventStream(clock);
  opening.defer(() => stream.close());
  const timelines = createTimelines();
  let poke = () => {};
  const history = await openHistory({
    files,
    log: room('history'),
    folder: `${config.dataFolder}/history`,
    whyLeft: pod => timelines.whyLeft(pod) ?? 'unknown',
    onEntry(entry) {
      stream.publish({name: 'pass', value: entry});
      poke();
    },
  });
  opening.defer(() => history.settled());
  const hold = await openTemplateHold({files, clock, log: room('template')}, `${config.dataFolder}/history/hold.json`);
  const closing = opening.move();

  return {
    history,
    hold,
    accessLog,
    noteMembers({events, at}) {
      for (const event of events) timelines.note(event, at);
      poke();
    },
    recordPass(record, material) {
      const pods = material.input?.variables.pods;
      if (record.verdict !== 'failed' && pods !== undefined) {
        timelines.applied(record.pass, new Set(pods.map(({ip}) => ip)), clock.epochMs());
      }
      history.record(record, material);
    },
    async logFileFor(text) {
      if (accessLog === undefined) return undefined;
      return logsToLocalSyslog(text) && (await accessLog.serveSyslogPort()) ? undefined : logFile(accessLog.port);
    },
    createStatusPort(observed) {
      const status = () => buildStatus({...observed.status(), hold: hold.current, logLevel: opened.level, accessLog});
      const readRows = async () => parseStat(await observed.askProxy(TRAFFIC_COMMAND));
      const sampler = openTrafficSampler({
        clock,
        log: room('proxy'),
        readRows,
        generation: () => observed.status().proxy.generation,
        onSample: (sample, proxies) => stream.publish({name: 'traffic', value: {sample, proxies}}),
      });
      closing.defer(() => sampler.close());
      const live = openLiveFeed({clock, stream, status, members: observed.members});
      closing.defer(() => live.close());
      poke = live.poke;
      const scrape = openHaproxyScrape({
        readInfo: async () => parseInfo(await observed.askProxy('show info')),
        readRows: async () => parseStat(await observed.askProxy('show stat')),
        log: room('metrics'),
      });
      return createStatus({
        status,
        members: observed.members,
        timeline: timelines.of,
        departures: timelines.departures,
        traffic: () => sampler.traffic,
        configuration: observed.configuration,
        history,
        isReady: observed.isReady,
        metrics: async () => {
          const [{type, text}, haproxy] = await Promise.all([observed.metrics.read(), scrape()]);
          return {type, text: text + haproxy};
        },
        events: stream,
        greeting: live.greeting,
        recent: ports.recent,
        actions: createActions({history, hold, demand: observed.demand, setLogLevel: opened.setLevel}),
        loadToken,
        serveDashboard,
        log: room('http'),
      });
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** The file with our log target, written when it is first needed; without room for it HAProxy serves and logs elsewhere. */
function openLogFile(
  {files, opened}: Pick<ObservationPorts, 'files' | 'opened'>,
  path: string,
): (port: number) => Promise<string | undefined> {
  let isWritten = false;
  return async port => {
    try {
      if (!isWritten) await files.replace(path, deriveLogTarget(port));
      isWritten = true;
      return path;
    } catch (err) {
      opened.room('access').warn({err}, 'access log: its target cannot be written, HAProxy starts without it');
      return undefined;
    }
  };
}

/** How to read the operators' token; a file that holds none at start is a fault of the configuration. */
async function openTokenFile(path: string | undefined): Promise<(() => Promise<string>) | undefined> {
  if (path === undefined) return undefined;
  const load = () => readFile(path, 'utf8');
  const refuse = (reason: string, cause?: unknown) =>
    new DaemonError('CONFIG', `cannot read KONTROL_TOKEN_FILE ${path}: ${reason}`, {cause});
  const token = await load().catch(error => {
    throw refuse(reasonOf(error), error);
  });
  if (token.trim() === '') throw refuse('it is empty');
  return load;
}
