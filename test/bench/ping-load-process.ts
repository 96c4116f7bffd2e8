import {once} from 'node:events';
import {connect, type Socket} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {helperSettings, serveHelper} from '../support/helper.ts';
import {keyOf, pingSegments, pythonJson} from '../support/slave.ts';
import {quantile} from './figure.ts';
import type {Pace, PingLoad, PingReport} from './ping-load.ts';

const HOST = '127.0.0.1';
const TIMEOUT_MS = 10_000;

const load = helperSettings<PingLoad>();

const addressOf = (index: number): string => `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;

/** Written once: a bench of the daemon may not spend its time on the slaves' JSON. */
const pings = Array.from({length: load.slaves}, (_, index) => {
  const ip = addressOf(index + 1);
  const body = pythonJson({app: 'web', id: `web-${index}`, ip, key: keyOf(ip), payload: '', role: 'frontend'});
  return pingSegments(body, {host: HOST, port: load.port});
});

const open = async (): Promise<Socket> => {
  const socket = connect({host: HOST, port: load.port, noDelay: true});
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('timeout')));
  await once(socket, 'connect');
  return socket;
};

/** One ping in two segments; resolves when the whole answer (which has no body) is there. */
function ask(socket: Socket, [head = '', body = '']: readonly string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const onData = (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (!answer.includes('\r\n\r\n')) return;
      socket.off('data', onData);
      socket.off('error', reject);
      socket.off('close', onClose);
      resolve(answer.startsWith('HTTP/1.1 200'));
    };
    const onClose = () => reject(new Error('closed'));
    socket.on('data', onData).once('error', reject).once('close', onClose);
    socket.write(head);
    socket.write(body);
  });
}

const latencies: number[] = [];
let failed = 0;

/** Sends a ping over `kept` or a new connection; resolves with it while it can carry another one. */
async function ping(index: number, kept?: Socket): Promise<Socket | undefined> {
  const sentMs = performance.now();
  let socket = kept;
  try {
    socket ??= await open();
    if (await ask(socket, pings[index % pings.length] ?? [])) latencies.push(performance.now() - sentMs);
    else failed += 1;
    return socket;
  } catch {
    failed += 1;
    socket?.destroy();
    return undefined;
  }
}

async function runClosed({inFlight, connections}: Pace & {is: 'closed'}): Promise<void> {
  let next = 0;
  const lane = async () => {
    let kept: Socket | undefined;
    while (next < load.count) {
      const socket = await ping(next++, kept);
      if (connections === 'kept') kept = socket;
      else socket?.destroy();
    }
    kept?.destroy();
  };
  await Promise.all(Array.from({length: inFlight}, lane));
}

async function runOpen({perSecond}: Pace & {is: 'open'}): Promise<void> {
  const startedMs = performance.now();
  const ended: Promise<void>[] = [];
  for (let index = 0; index < load.count; index += 1) {
    const waitMs = startedMs + (index * 1000) / perSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    ended.push(ping(index).then(socket => void socket?.destroy()));
  }
  await Promise.all(ended);
}

async function run(): Promise<PingReport> {
  const startedMs = performance.now();
  await (load.pace.is === 'closed' ? runClosed(load.pace) : runOpen(load.pace));
  return {
    answered: latencies.length,
    failed,
    durationMs: performance.now() - startedMs,
    latencyMs: {p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), max: quantile(latencies, 1)},
  };
}

serveHelper<'run', PingReport>(run);
