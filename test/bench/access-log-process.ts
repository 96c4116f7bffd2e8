import {createSocket} from 'node:dgram';
import {HTTP_MESSAGE} from './access-log-line.ts';

const LINE = Buffer.from(`<134>Nov 25 09:04:00 haproxy[123]: ${HTTP_MESSAGE}`);
const TICK_MS = 5;

const [port, perSecond, seconds] = process.argv.slice(2).map(Number) as [number, number, number];

/** HAProxy does not send evenly either: what is due is sent in one go, every few milliseconds. */
const socket = createSocket('udp4');
const startedMs = performance.now();
let sent = 0;
const timer = setInterval(() => {
  const elapsedMs = Math.min(performance.now() - startedMs, seconds * 1000);
  const due = Math.floor((elapsedMs * perSecond) / 1000);
  for (; sent < due; sent += 1) socket.send(LINE, port, '127.0.0.1');
  if (elapsedMs < seconds * 1000) return;
  clearInterval(timer);
  socket.close(() => process.send?.(sent, () => process.exit(0)));
}, TICK_MS);
