import {isIP} from 'node:net';
import {DaemonError} from '../errors.ts';
import {type AddressRange, parseAddressRange} from '../members/address-range.ts';
import type {LogLevel} from '../ports/log-level.ts';
import {RELOAD_SETTINGS} from '../reload/ways.ts';
import type {
  Config,
  Labels,
  LogFormat,
  MasterAddress,
  PodSettings,
  Self,
  TemplateSource,
  VerifySettings,
} from './config.ts';
import {parseEtcd} from './etcd.ts';
import {MASTER_ANNOTATION, parseMasters} from './masters.ts';
import {findNearMisses} from './near-miss.ts';
import {type Host, parsePodSettings} from './pod.ts';
import {createReader, isServiceVariable, type Reader} from './reader.ts';
import {parseScripting} from './scripting.ts';

export const CONFIG_ANNOTATION = 'haproxy.unity3d.com/config';

/** Settings of the old image. */
const IGNORED = ['KONTROL_HOST', 'KONTROL_FOVER'];

const HOUR_MS = 3_600_000;
const MODES = ['master', 'slave', 'debug', 'verbose'] as const;

/** HAProxy refuses UNIX socket paths of 97 bytes and more; `/run/<generation>.sock` follows the folder. */
const MAX_DATA_FOLDER_BYTES = 76;

/** Each snapshot and digest goes through all of it on the event loop: with 64 MiB, pings waited for over a second. */
const DEFAULT_MAX_PAYLOAD_BYTES = 16 << 20;

/** Linux takes 128 KiB, name included (execve, MAX_ARG_STRLEN); annotations can hold twice as much. */
const MAX_VARIABLE_BYTES = 120 * 1024;

export interface ParsedConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment (docs/settings.md) as one frozen object. Throws one `CONFIG` error that names every fault.
 * The pod's facts come in as the variables that name them.
 */
export function parseConfig(env: Environment, host: Host): ParsedConfig {
  const reader = createReader(env);
  const config = readConfig(reader, env, host);
  const misspelt = describeNearMisses(reader, env);
  if (reader.faults.length > 0) {
    throw new DaemonError('CONFIG', `cannot read the configuration: ${[...reader.faults, ...misspelt].join('; ')}`);
  }
  return {config: deepFreeze(config), warnings: [...reader.warnings, ...misspelt]};
}

/** How long HAProxy's connections have at a stop, ms. */
export const parseGrace = (reader: Reader): number =>
  reader.secondsMs('KONTROL_GRACE', 25_000, {minMs: 0, maxMs: 24 * HOUR_MS});

/** What is nearly a setting's name in an environment, as `parseConfig` warns of it, for those who read fewer settings. */
export function findMisspelt(env: Environment, host: Host): string[] {
  const reader = createReader(env);
  readConfig(reader, env, host);
  return describeNearMisses(reader, env);
}

function describeNearMisses({names}: Reader, env: Environment): string[] {
  const set = Object.keys(env).filter(name => !isServiceVariable(env[name]));
  return findNearMisses(set, new Set([...names, ...IGNORED])).map(
    ({given, meant}) => `${given} is no setting and is not read: rename it if ${meant} is meant`,
  );
}

function readConfig(reader: Reader, env: Environment, host: Host): Config {
  const {mode, logLevel} = parseMode(reader);
  const port = reader.integer('KONTROL_PORT', 8000, {min: 0, max: 65_535});
  const statusPort = parseStatusPort(reader);
  if (mode.master && port === statusPort && port !== 0) {
    reader.fault(`KONTROL_PORT and KONTROL_STATUS_PORT are both ${port}: each needs a port of its own`);
  }
  const pod = parsePodSettings(reader, host);
  const self = parseSelf(reader, pod);
  const masters = mode.slave ? readMasters(reader, self.annotations, port) : [];
  if (masters.length > 0 && self.ip === undefined) {
    reader.fault("KONTROL_IP is not set: the slave role announces the pod's address");
  }
  const ttlMs = reader.secondsMs('KONTROL_TTL', 25_000, {minMs: 1000, maxMs: HOUR_MS});
  const damperMs = reader.secondsMs('KONTROL_DAMPER', 10_000, {minMs: 0, maxMs: HOUR_MS});
  const dataFolder = host.resolvePath(reader.text('KONTROL_DATA') ?? '/data');
  if (Buffer.byteLength(dataFolder) > MAX_DATA_FOLDER_BYTES) {
    reader.fault(
      `KONTROL_DATA ${dataFolder} is longer than ${MAX_DATA_FOLDER_BYTES} bytes: HAProxy's socket paths would not fit`,
    );
  }
  return {
    mode,
    logLevel,
    self,
    pod,
    verify: parseVerify(reader, pod, host.resolvePath),
    template: parseTemplate(reader, self.annotations, mode.master, host.resolvePath),
    port,
    statusPort,
    statusHosts: parseStatusHosts(reader),
    ttlMs,
    damperMs,
    damperMaxMs: Math.max(
      damperMs,
      reader.secondsMs('KONTROL_DAMPER_MAX', 4 * damperMs, {minMs: 0, maxMs: 4 * HOUR_MS}),
    ),
    warmupMs: reader.secondsMs('KONTROL_WARMUP', 0.75 * ttlMs, {minMs: 0, maxMs: HOUR_MS}),
    memberRanges: parseMemberRanges(reader),
    maxMembers: reader.integer('KONTROL_MAX_MEMBERS', 20_000, {min: 1, max: 1_000_000}),
    maxPayloadBytes: reader.integer('KONTROL_MAX_PAYLOAD_BYTES', DEFAULT_MAX_PAYLOAD_BYTES, {min: 0, max: 1 << 30}),
    lingerMs: reader.secondsMs('KONTROL_LINGER', 5000, {minMs: 0, maxMs: HOUR_MS}),
    graceMs: parseGrace(reader),
    settleMs: reader.integer('KONTROL_SETTLE_MS', 20, {min: 0, max: 1000}),
    quarantinePercent: reader.integer('KONTROL_QUARANTINE', 25, {min: 0, max: 100}),
    spareServers: parseSpareServers(reader),
    renderTimeoutMs: parseRenderTimeout(reader),
    drain: parseDrain(reader),
    hangMs: reader.secondsMs('KONTROL_HANG', 10_000, {minMs: 0, maxMs: HOUR_MS}),
    errorBound: parseErrorBound(reader),
    notJudged: namesIn(reader.text('KONTROL_NOT_JUDGED') ?? ''),
    dataFolder,
    haproxy: resolveProgram(parseHaproxy(reader), host.resolvePath),
    reload: reader.oneOf('KONTROL_RELOAD', 'auto', RELOAD_SETTINGS),
    lifecycle: parsePath(reader, 'KONTROL_LIFECYCLE', host.resolvePath),
    ...parseScripting(reader, host.resolvePath),
    masters,
    payloadFile: host.resolvePath(reader.text('KONTROL_PAYLOAD') ?? `${dataFolder}/state.json`),
    etcd: parseEtcd(reader, host.resolvePath),
    tokenFile: parsePath(reader, 'KONTROL_TOKEN_FILE', host.resolvePath),
    logFormat: parseLogFormat(reader),
    accessLog: parseAccessLog(reader),
    env: kontrolVariables(env),
  };
}

/** The settings of the commands that render without a daemon. */
export type RenderSettings = Pick<Config, 'renderTimeoutMs' | 'haproxy' | 'env'>;

/** Reads only those; throws one `CONFIG` error that names every fault among them. */
export function parseRenderSettings(env: Environment): RenderSettings {
  const reader = createReader(env);
  const settings = {
    renderTimeoutMs: parseRenderTimeout(reader),
    haproxy: parseHaproxy(reader),
    env: kontrolVariables(env),
  };
  if (reader.faults.length === 0) return settings;
  throw new DaemonError('CONFIG', `cannot read the configuration: ${reader.faults.join('; ')}`);
}

export const DEFAULT_STATUS_PORT = 8001;

/** 0 is any free one. */
export const parseStatusPort = (reader: Reader): number =>
  reader.integer('KONTROL_STATUS_PORT', DEFAULT_STATUS_PORT, {min: 0, max: 65_535});

const parseRenderTimeout = (reader: Reader): number =>
  reader.secondsMs('KONTROL_RENDER_TIMEOUT', 2000, {minMs: 100, maxMs: 60_000});

const parseHaproxy = (reader: Reader): string => reader.text('KONTROL_HAPROXY') ?? 'haproxy';

/** A program named by a path stays the same from any folder; a name without one is looked for on PATH. */
const resolveProgram = (program: string, resolvePath: (path: string) => string): string =>
  program.includes('/') ? resolvePath(program) : program;

/** How the log is written: an object a line, or lines for a person at a terminal. */
export const parseLogFormat = (reader: Reader): LogFormat => reader.oneOf('KONTROL_LOG', 'json', ['json', 'pretty']);

/** The roles and the log level that `KONTROL_MODE` names. */
export function parseMode(reader: Reader): {mode: Config['mode']; logLevel: LogLevel} {
  const tokens = (reader.text('KONTROL_MODE') ?? 'master').split(',').map(token => token.trim());
  const unknown = tokens.filter(token => token !== '' && !MODES.some(mode => mode === token));
  if (unknown.length > 0) reader.fault(`KONTROL_MODE ${unknown.join(',')} is none of ${MODES.join(', ')}`);
  const mode = {master: tokens.includes('master'), slave: tokens.includes('slave')};
  if (!mode.master && !mode.slave) reader.fault('KONTROL_MODE names neither master nor slave: nothing to do');
  return {mode, logLevel: tokens.includes('debug') ? 'trace' : tokens.includes('verbose') ? 'debug' : 'info'};
}

function parseSelf(reader: Reader, {namespace, id}: PodSettings): Self {
  const labels = reader.labels('KONTROL_LABELS');
  for (const name of ['app', 'role']) {
    if (!labels[name])
      reader.fault(`KONTROL_LABELS has no label "${name}": set it to JSON such as {"app":"haproxy","role":"balancer"}`);
  }
  const ip = reader.text('KONTROL_IP')?.trim();
  if (ip !== undefined && isIP(ip) === 0) reader.fault(`KONTROL_IP "${ip}" is not an IP address`);
  return {
    namespace,
    id,
    ip,
    app: labels.app ?? '',
    role: labels.role ?? '',
    labels,
    annotations: reader.labels('KONTROL_ANNOTATIONS'),
    eip: reader.text('KONTROL_EIP'),
    node: {labels: reader.labels('KONTROL_NODE_LABELS'), annotations: reader.labels('KONTROL_NODE_ANNOTATIONS')},
  };
}

function parseVerify(reader: Reader, pod: PodSettings, resolvePath: (path: string) => string): VerifySettings {
  const verify = reader.oneOf('KONTROL_VERIFY', 'off', ['off', 'source', 'pods', 'source,pods']);
  const asksCluster = verify.includes('pods');
  if (asksCluster && pod.api === undefined) {
    reader.fault(
      `KONTROL_VERIFY=${verify} needs the Kubernetes API: mount the ServiceAccount's token, or set "source"`,
    );
  }
  const given = reader.text('KONTROL_VERIFY_NAMESPACES') ?? pod.namespace;
  const namespaces = namesIn(given);
  const wrong = namespaces.filter(name => name !== '*' && !/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(name));
  if (wrong.length > 0) reader.fault(`KONTROL_VERIFY_NAMESPACES: ${wrong.join(', ')} names no namespace`);
  const tokenFile = reader.text('KONTROL_PING_TOKEN_FILE');
  return {
    source: verify.includes('source'),
    namespaces: !asksCluster ? undefined : namespaces.includes('*') ? ['*'] : namespaces,
    tokenFile: tokenFile === undefined ? undefined : resolvePath(tokenFile),
  };
}

export const NO_TEMPLATE = `there is no template: set the annotation ${CONFIG_ANNOTATION} or KONTROL_TEMPLATE`;

/** A value with a line break or a Jinja2 delimiter is the template itself; anything else names a file. */
function parseTemplate(
  reader: Reader,
  annotations: Labels,
  needed: boolean,
  resolvePath: (path: string) => string,
): TemplateSource | undefined {
  const given = reader.text('KONTROL_TEMPLATE');
  if (given !== undefined) {
    return /\n|\{[{%#]/.test(given)
      ? {is: 'text', text: given, from: 'KONTROL_TEMPLATE'}
      : {is: 'file', path: resolvePath(given)};
  }
  if (annotations[CONFIG_ANNOTATION] !== undefined) return {is: 'annotation'};
  if (!needed) return undefined;
  // A lifecycle.yml of one's own may need none: whoever reads it says so.
  if (reader.text('KONTROL_LIFECYCLE') === undefined) reader.fault(NO_TEMPLATE);
  return {is: 'annotation'};
}

function readMasters(reader: Reader, annotations: Labels, defaultPort: number): readonly MasterAddress[] {
  const given = annotations[MASTER_ANNOTATION];
  if (given === undefined) {
    reader.warn(`KONTROL_MODE has "slave" but there is no annotation ${MASTER_ANNOTATION}: no keepalives are sent`);
    return [];
  }
  const {masters, refused} = parseMasters(given, defaultPort);
  for (const entry of refused) {
    reader.fault(`annotation ${MASTER_ANNOTATION}: "${entry}" is not a host or host:port`);
  }
  return masters;
}

/** `KONTROL_DRAIN=<seconds>[,<generations>]`. */
function parseDrain(reader: Reader): Config['drain'] {
  const given = reader.text('KONTROL_DRAIN') ?? '3600,16';
  const match = /^\s*(\d{1,7})\s*(?:,\s*(\d{1,3})\s*)?$/.exec(given);
  const maxCount = Number(match?.[2] ?? 16);
  if (match === null || maxCount < 1)
    reader.fault(`KONTROL_DRAIN "${given}" is not <seconds> or <seconds>,<generations>`);
  return {maxAgeMs: Number(match?.[1] ?? 0) * 1000, maxCount};
}

/** `KONTROL_5XX=<per cent>[,<seconds>]`, `KONTROL_5XX_MEANT=<frontend or backend>,…`. */
function parseErrorBound(reader: Reader): Config['errorBound'] {
  const given = reader.text('KONTROL_5XX') ?? '10,60';
  const match = /^\s*(\d{1,3})\s*(?:,\s*(\d{1,4})\s*)?$/.exec(given);
  const [percent, seconds] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 60)];
  if (match === null || percent > 100 || seconds < 4 || seconds > 3600)
    reader.fault(`KONTROL_5XX "${given}" is not <per cent> or <per cent>,<seconds> (0 to 100, 4 to 3600)`);
  return {percent, windowMs: seconds * 1000, meant: namesIn(reader.text('KONTROL_5XX_MEANT') ?? '')};
}

function parseStatusHosts(reader: Reader): readonly string[] {
  const names = namesIn(reader.text('KONTROL_STATUS_HOSTS') ?? '').map(name => name.toLowerCase());
  const wrong = names.filter(name => !/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(name));
  if (wrong.length > 0) reader.fault(`KONTROL_STATUS_HOSTS: ${wrong.join(', ')} is no host name (without a port)`);
  return names;
}

function parseMemberRanges(reader: Reader): readonly AddressRange[] {
  return namesIn(reader.text('KONTROL_MEMBER_RANGES') ?? '').flatMap(given => {
    const range = parseAddressRange(given);
    if (range === undefined) reader.fault(`KONTROL_MEMBER_RANGES: ${given} is no block such as 240.0.0.0/4`);
    return range ?? [];
  });
}

/** The entries of a list with commas, each once. */
const namesIn = (list: string): readonly string[] =>
  [...new Set(list.split(',').map(name => name.trim()))].filter(name => name !== '');

function parsePath(reader: Reader, name: string, resolvePath: (path: string) => string): string | undefined {
  const given = reader.text(name)?.trim();
  return given === undefined ? undefined : resolvePath(given);
}

/** `KONTROL_ACCESS_LOG=on|off|<port>`; `on` takes any free port. */
function parseAccessLog(reader: Reader): Config['accessLog'] {
  const linesPerSecond = reader.integer('KONTROL_ACCESS_LOG_RATE', 10_000, {min: 1, max: 1_000_000});
  const given = reader.text('KONTROL_ACCESS_LOG')?.trim() ?? 'on';
  if (given === 'off') return undefined;
  if (given === 'on') return {port: 0, linesPerSecond};
  return {port: reader.integer('KONTROL_ACCESS_LOG', 0, {min: 0, max: 65_535, beside: 'on, off'}), linesPerSecond};
}

const kontrolVariables = (env: Readonly<Record<string, string | undefined>>): Labels =>
  Object.fromEntries(
    Object.entries(env)
      .filter((entry): entry is [string, string] => entry[0].startsWith('KONTROL_') && entry[1] !== undefined)
      // No program, so no shell block, could be started with a longer one; templates have the pod's annotations anyway.
      .filter(([, value]) => Buffer.byteLength(value) <= MAX_VARIABLE_BYTES)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const entry of Object.values(value)) deepFreeze(entry);
  }
  return value;
}

function parseSpareServers(reader: Reader): Config['spareServers'] {
  const isAuto = reader.text('KONTROL_SPARE_SERVERS')?.trim() === 'auto';
  return isAuto ? 'auto' : reader.integer('KONTROL_SPARE_SERVERS', 0, {min: 0, max: 254, beside: 'auto'});
}
