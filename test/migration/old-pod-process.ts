import {createServer, type IncomingMessage, request, type ServerResponse} from 'node:http';
import {text} from 'node:stream/consumers';
import {helperSettings, serveHelper} from '../support/helper.ts';
import {createSlave} from '../support/slave.ts';
import type {OldPodSettings} from './old-pod.ts';

const {ip, ttlMs, master} = helperSettings<OldPodSettings>();
const OWN_APP = 'haproxy';
const PINGS_EVERY_MS = 500;

const pods = new Map<string, {readonly app: string; readonly atMs: number}>();
let turn = 0;

const hosts = (): Record<string, string[]> => {
  for (const [pod, {atMs}] of pods) if (performance.now() - atMs > ttlMs) pods.delete(pod);
  const others = [...pods].filter(([, {app}]) => app !== OWN_APP);
  return Object.fromEntries(
    Object.entries(Object.groupBy(others, ([, {app}]) => app)).map(([app, of]) => [
      app,
      (of ?? []).map(([pod]) => pod),
    ]),
  );
};

async function takePing(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  if (asked.method === 'GET') return void answer.end(JSON.stringify({md5: 'x', hosts: hosts()}));
  const ping = JSON.parse(await text(asked)) as {readonly ip: string; readonly app: string; readonly down?: boolean};
  if (ping.down) pods.delete(ping.ip);
  else pods.set(ping.ip, {app: ping.app, atMs: performance.now()});
  answer.setHeader('Content-Length', 0).end();
}

/** To the next pod, and to the one after where that one is not there. */
function serve(asked: IncomingMessage, answer: ServerResponse, triesLeft = 3): void {
  const all = Object.values(hosts()).flat();
  const host = all[turn++ % all.length];
  if (host === undefined || triesLeft === 0) return void answer.writeHead(503).end();
  const {url: path, headers} = asked;
  request({host, port: 80, path, headers, agent: false}, given => {
    answer.writeHead(given.statusCode ?? 502, given.headers);
    given.pipe(answer);
  })
    .once('error', () => serve(asked, answer, triesLeft - 1))
    .end();
}

createServer(takePing).listen(8000);
createServer({keepAliveTimeout: 0}, (asked, answer) => serve(asked, answer)).listen(80, () => serveHelper(() => null));
createSlave({master, ip, app: OWN_APP, role: 'balancer'}).run(PINGS_EVERY_MS);
