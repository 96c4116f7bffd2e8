import {once} from 'node:events';
import {connect, type Socket} from 'node:net';
import {helperSettings, serveHelper} from '../support/helper.ts';
import {keyOf, pingSegments, pythonJson} from '../support/slave.ts';
import {quantile} from './figure.ts';
import type {PingLoad, PingReport} from './ping-load.ts';

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

async function run(): Promise<PingReport> {
  const latencies: number[] = [];
  let next = 0;
  let failed = 0;
  const startedMs = performance.now();
  const lane = async () => {
    let kept: Socket | undefined;
    while (next < load.count) {
      const ping = pings[next++ % pings.length] ?? [];
      const sentMs = performance.now();
      try {
        kept ??= await open();
        if (await ask(kept, ping)) latencies.push(performance.now() - sentMs);
        else failed += 1;
      } catch {
        failed += 1;
        kept?.destroy();
        kept = undefined;
      }
      if (load.connections === 'new') {
        kept?.destroy();
        kept = undefined;
      }
    }
    kept?.destroy();
  };
  await Promise.all(Array.from({length: load.inFlight}, lane));
  return {
    answered: latencies.length,
    failed,
    durationMs: performance.now() - startedMs,
    latencyMs: {p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), max: quantile(latencies, 1)},
  };
}

serveHelper<'run', PingReport>(run);
