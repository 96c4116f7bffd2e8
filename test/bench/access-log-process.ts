import {createSocket} from 'node:dgram';
import {once} from 'node:events';
import {HTTP_MESSAGE} from './access-log-line.ts';

const LINE = Buffer.from(`<134>Nov 25 09:04:00 haproxy[123]: ${HTTP_MESSAGE}`);
const TICK_MS = 5;

const [port, perSecond, seconds] = process.argv.slice(2).map(Number) as [number, number, number];

/** HAProxy does not send evenly either: what is due is sent in one go, every few milliseconds. */
const socket = createSocket('udp4');
socket.connect(port, '127.0.0.1');
await once(socket, 'connect');
const startedMs = performance.now();
let started = 0;
let sent = 0;
const timer = setInterval(() => {
  const elapsedMs = Math.min(performance.now() - startedMs, seconds * 1000);
  const due = Math.floor((elapsedMs * perSecond) / 1000);
  for (; started < due; started += 1) {
    // A line counts once the kernel has taken it: what is lost after that, the listener has lost.
    socket.send(LINE, error => {
      sent += error === null ? 1 : 0;
    });
  }
  if (elapsedMs < seconds * 1000 || socket.getSendQueueCount() > 0) return;
  clearInterval(timer);
  setImmediate(() => process.send?.(sent, () => process.exit(0)));
}, TICK_MS);
