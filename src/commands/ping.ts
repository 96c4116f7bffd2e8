import {DaemonError, EXIT_CODES} from '../errors.ts';
import {deriveKey} from '../members/base62.ts';
import {parsePing} from '../members/ping.ts';
import {parsePayloadText, writePing} from '../slave/payload.ts';
import {sendPing} from '../slave/send.ts';
import type {CommandMain} from './call.ts';

const ANSWER_LIMIT_MS = 5000;
const DEFAULT_PORT = 8000;
const MAX_PORT = 65_535;

/** `haproxy-kontrol ping`: one keepalive, as a slave sends it; what a master would refuse is refused here, with the field. */
export const ping: CommandMain<'ping'> = async ({text, has, print}) => {
  const [app, ip] = [text('app'), text('ip')];
  if (app === undefined || ip === undefined)
    throw new DaemonError('USAGE', 'cannot ping: say whom it is of, with --app APP and --ip IP');
  const fields = {
    app,
    ...(has('down') && {down: true}),
    id: text('id') ?? `ping-${ip.replaceAll(':', '.')}`,
    ip,
    key: keyOf(ip),
    role: text('role') ?? 'test',
  };
  const body = writePing(fields, readPayload(text('payload')));
  const parsed = parsePing(Buffer.from(body), {remoteAddress: '127.0.0.1'}, () => undefined);
  if (parsed.is === 'fault') throw new DaemonError('USAGE', `cannot ping: ${parsed.reason}`);
  const master = parseMaster(text('master') ?? '127.0.0.1');
  const outcome = await sendPing(master, body, AbortSignal.timeout(ANSWER_LIMIT_MS));
  const where = `${master.host.includes(':') ? `[${master.host}]` : master.host}:${master.port}`;
  if (outcome.is === 'failed') {
    throw new DaemonError('UNREACHABLE', `cannot ping ${where}: ${outcome.reason}; set --master to a running one`);
  }
  print(`${where} answered ${outcome.status}${outcome.reason === undefined ? '' : `: ${outcome.reason}`}\n`);
  return outcome.status < 400 ? 0 : EXIT_CODES.UNHEALTHY;
};

const keyOf = (ip: string): string => {
  try {
    return deriveKey(ip);
  } catch {
    return '0';
  }
};

function readPayload(given: string | undefined): string {
  const parsed = parsePayloadText(given);
  if (parsed.is === 'payload') return parsed.text;
  throw new DaemonError('USAGE', `cannot ping: --payload ${(given ?? '').slice(0, 60)} is ${parsed.reason}`);
}

function parseMaster(given: string): {host: string; port: number} {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z._-]+))(?::(\d{1,5}))?$/.exec(given);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (host === undefined || port < 1 || port > MAX_PORT)
    throw new DaemonError('USAGE', `cannot ping: --master ${given} is not HOST or HOST:PORT`);
  return {host, port};
}
