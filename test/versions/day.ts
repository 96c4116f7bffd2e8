import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {type Reloading, startReloading} from '../reload/reloading.ts';
import {startBackends} from '../support/backend.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {type Load, startLoad} from '../support/load.ts';
import {openNamespaces, podIps, type TwoNamespaces} from '../support/namespaces.ts';
import {haproxiesOf, killAll} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';

/** What came of one thing that people do with a proxy: how it was done, or why it was not. */
export interface Outcome {
  readonly feature: string;
  readonly is: 'done' | 'failed';
  readonly how: string;
}

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** The text's parts that the day changes. */
interface Text {
  readonly servers: readonly string[];
  readonly globals?: string;
  readonly frontend?: string;
  readonly backend?: string;
}

const write = ({servers, globals = '', frontend = '', backend = ''}: Text): string => `
global
  maxconn 2000
  ${globals}
defaults
  mode http
  log global
  option httplog
  timeout connect 2s
  timeout client 15s
  timeout server 15s
frontend proxy
  bind *:80
  ${frontend}
  default_backend web
backend web
  ${backend}
${servers.map(server => `  server ${server}\n`).join('')}`;

const [ONE, TWO, THREE] = podIps.map(ip => `${ip}:80`) as [string, string, string];

interface Day {
  readonly haproxy: string;
  readonly net: TwoNamespaces;
  readonly reloading: Reloading;
  readonly load: Load;
}

type Step = readonly [feature: string, run: (day: Day) => Promise<string>];

/** Changes the text; the pass must be in order. How it took the change, in words. */
async function change({reloading: {daemon, change: tell}}: Day, text: Text): Promise<string> {
  let last = await tell(write(text));
  while (last.verdict === 'unchanged') {
    // The one before: the daemon saw that the file had changed once its text was served.
    const {pass} = last;
    last = await daemon.waitFor(
      ({reload}) => reload.last !== null && reload.last.pass > pass && reload.last,
      'the pass',
    );
  }
  assert.deepEqual([last.verdict, last.error], ['ok', null], last.error ?? last.why);
  await daemon.waitFor(({inSync}) => inSync, 'a proxy in sync');
  return last.way === 'runtime' ? 'at run time' : `reload (${last.way})`;
}

/** Waits until exactly these pods answer, each of them. */
async function answering({load}: Day, ips: readonly string[]): Promise<void> {
  const wanted = [...ips].sort().join();
  const seen = async () => {
    const before = (await load.report()).answers;
    await waitFor(
      async () => (await load.report()).ok >= Object.values(before).reduce((a, b) => a + b, 0) + 30,
      'answers',
    );
    const after = (await load.report()).answers;
    return Object.keys(after)
      .filter(name => (after[name] ?? 0) > (before[name] ?? 0))
      .sort()
      .join();
  };
  await waitFor(async () => (await seen()) === wanted, `answers of ${wanted} alone`);
}

const [A, B, C] = podIps;

const LOG_FORMATS = [
  {what: '`option httpslog`', since: [2, 5], line: 'option httpslog', format: 'https'},
  {what: '`%{+json}o`', since: [3, 0], line: 'log-format "%{+json}o%(status)ST%(request)r"', format: 'encoded'},
  {what: '`%{+cbor}o`', since: [3, 0], line: 'log-format "%{+cbor}o%(status)ST%(request)r"', format: 'encoded'},
] as const;

const STEPS: readonly Step[] = [
  [
    'start',
    async day => {
      await answering(day, [A]);
      return 'done';
    },
  ],
  [
    'a pod joins',
    async day => {
      const how = await change(day, {servers: [`web-1 ${ONE}`, `web-2 ${TWO}`]});
      await answering(day, [A, B]);
      return how;
    },
  ],
  [
    'another takes its place',
    async day => {
      const how = await change(day, {servers: [`web-1 ${ONE}`, `web-2 ${THREE}`]});
      await answering(day, [A, C]);
      return how;
    },
  ],
  [
    'the same under `option http-server-close`',
    async day => {
      const backend = 'option http-server-close';
      await change(day, {servers: [`web-1 ${ONE}`, `web-2 ${TWO}`], backend});
      const how = await change(day, {servers: [`web-1 ${ONE}`, `web-2 ${THREE}`], backend});
      await answering(day, [A, C]);
      await change(day, {servers: [`web-1 ${ONE}`, `web-2 ${THREE}`]});
      return how;
    },
  ],
  ['weights', async day => change(day, {servers: [`web-1 ${ONE} weight 10`, `web-2 ${THREE} weight 20`]})],
  [
    'disabled',
    async day => {
      const how = await change(day, {servers: [`web-1 ${ONE} weight 10`, `web-2 ${THREE} weight 20 disabled`]});
      await answering(day, [A]);
      return how;
    },
  ],
  [
    'enabled again',
    async day => {
      const how = await change(day, {servers: [`web-1 ${ONE} weight 10`, `web-2 ${THREE} weight 20`]});
      await answering(day, [A, C]);
      return how;
    },
  ],
  [
    'the first pod leaves, all others move up',
    async day => {
      const how = await change(day, {servers: [`web-1 ${THREE} weight 10`]});
      await answering(day, [C]);
      return how;
    },
  ],
  ['another line changes', async day => change(day, {servers: [`web-1 ${ONE}`], globals: 'spread-checks 5'})],
  [
    'a pod joins, with a health check',
    async day => {
      await change(day, {servers: [`web-1 ${ONE} check inter 200ms`]});
      const how = await change(day, {servers: [`web-1 ${ONE} check inter 200ms`, `web-2 ${TWO} check inter 200ms`]});
      await answering(day, [A, B]);
      return how;
    },
  ],
  [
    'a pod joins, with a cookie',
    async day => {
      const backend = 'cookie SERVER insert indirect nocache';
      await change(day, {servers: [`web-1 ${ONE} cookie one`], backend});
      const how = await change(day, {servers: [`web-1 ${ONE} cookie one`, `web-2 ${TWO} cookie two`], backend});
      await answering(day, [A, B]);
      return how;
    },
  ],
  [
    'access log, `option httplog`',
    async ({reloading: {daemon}}) => {
      const line = await waitFor(
        () => daemon.logs.find(one => one.room === 'access' && one.format === 'http'),
        'a line',
      );
      assert.deepEqual([line.frontend_name, line.backend_name, line.status_code], ['proxy', 'web', 200]);
      return 'fields';
    },
  ],
  ...LOG_FORMATS.map(
    ({what, since, line, format}): Step => [
      `access log, ${what}`,
      async day => {
        if (!haproxyIsAtLeast(since[0], since[1], day.haproxy)) return `HAProxy ${since.join('.')}+`;
        await change(day, {servers: [`web-1 ${ONE}`], frontend: line});
        const {logs} = day.reloading.daemon;
        const from = logs.length;
        await waitFor(
          () => logs.slice(from).some(one => one.room === 'access' && one.format === format),
          'such a line',
        );
        return 'fields';
      },
    ],
  ),
  [
    '`top`, traffic by backend',
    async day => {
      await change(day, {servers: [`web-1 ${ONE}`]});
      const {reloading, net} = day;
      const [file = '', ...args] = net.proxy.exec([process.execPath, MAIN, 'top', '--once', '--all']);
      const env = {PATH: process.env.PATH, KONTROL_STATUS_PORT: String(reloading.daemon.statusPort)};
      const {stdout} = await promisify(execFile)(file, args, {env});
      assert.match(stdout, /^proxy +frontend /m);
      assert.match(stdout, /^web +backend +UP /m);
      return 'done';
    },
  ],
  [
    'metrics of HAProxy',
    async ({reloading: {daemon}}) => {
      const text = (await daemon.get('/metrics'))?.body ?? '';
      assert.match(text, /^haproxy_up 1$/m);
      assert.match(text, /^haproxy_frontend_http_requests_total\{frontend="proxy"\} [1-9]/m);
      assert.match(text, /^haproxy_server_up\{backend="web",server="web-1"\} 1$/m);
      return `${new Set(text.match(/^haproxy_\w+/gm)).size} names`;
    },
  ],
  [
    '`master-worker` in the template',
    async day => {
      await change(day, {servers: [`web-1 ${ONE}`], globals: 'master-worker'});
      // Those of before finish their downloads.
      await waitFor(() => haproxiesOf(day.reloading.daemon.dataFolder).length === 1, 'one HAProxy, without children');
      return 'ignored, with a warning';
    },
  ],
  [
    'HAProxy dies (`kill -9`)',
    async ({reloading: {daemon}}) => {
      const before = await daemon.status();
      killAll([before?.proxy.pid ?? 0]);
      await daemon.waitFor(
        ({proxy}) => proxy.state === 'RUNNING' && proxy.pid !== before?.proxy.pid,
        'another HAProxy',
      );
      return 'started again';
    },
  ],
];

const messageOf = (error: unknown): string => String((error as Error).message).split('\n')[0] ?? '';

/**
 * A day in the life of a proxy, with clients all the while: what people do with it, one thing after the other, on this
 * HAProxy. Needs `npm run build`, root and network namespaces. Rejects only where nothing can be started at all.
 */
export async function liveDay(haproxy: string): Promise<readonly Outcome[]> {
  await using net = await openNamespaces();
  await using _backends = await startBackends(
    podIps.map(host => ({name: host, host, port: 80})),
    net.client,
  );
  await using reloading = await startReloading(write({servers: [`web-1 ${ONE}`]}), {
    place: net.proxy,
    env: {KONTROL_HAPROXY: haproxy, KONTROL_DAMPER: '0.5'},
  });
  const target = {host: net.proxy.ip, port: 80, durationMs: 600_000};
  await using load = await startLoad({mode: 'connect', perSecond: 50, ...target}, net.client);
  await using downloads = await startLoad({mode: 'slow', clients: 2, ...target}, net.client);
  const day: Day = {haproxy, net, reloading, load};
  const outcomes: Outcome[] = [];
  const take = async (feature: string, run: () => Promise<string>): Promise<void> => {
    try {
      outcomes.push({feature, is: 'done', how: await run()});
    } catch (error) {
      outcomes.push({feature, is: 'failed', how: messageOf(error)});
    }
  };
  let lost = 0;
  for (const [feature, run] of STEPS) {
    if (feature.startsWith('HAProxy dies')) {
      await take('requests and downloads lost until here', async () => {
        const [report, slow] = [await load.report(), await downloads.stop()];
        lost = report.failed + slow.failed;
        assert.equal(lost, 0, JSON.stringify([report.failures, slow.failures]));
        assert.ok(slow.ok > 0, 'no download came to its end');
        return `0 of ${report.ok + slow.ok}`;
      });
    }
    await take(feature, () => run(day));
  }
  await load.stop();
  await take('the daemon dies (`kill -9`) and starts again', async () => {
    await waitFor(() => haproxiesOf(reloading.daemon.dataFolder).length === 1, 'the end of all that drain');
    const before = haproxiesOf(reloading.daemon.dataFolder);
    reloading.daemon.signal('SIGKILL');
    await reloading.daemon.exited;
    assert.deepEqual(haproxiesOf(reloading.daemon.dataFolder), before);
    const again = await reloading.again({KONTROL_HAPROXY: haproxy});
    await again.waitFor(status => status.inSync && status.proxy.state === 'RUNNING', 'a serving daemon');
    again.signal('SIGTERM');
    assert.deepEqual(await again.exited, {code: 0, signal: null});
    assert.deepEqual(haproxiesOf(again.dataFolder), []);
    return 'HAProxy served on, and was taken over; then all stopped in order';
  });
  return outcomes;
}
