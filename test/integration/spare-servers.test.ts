import assert from 'node:assert/strict';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {startDaemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';
import {fetchText} from '../support/web.ts';

const POD_IPS = Array.from({length: 6}, (_, index) => `127.0.9.${21 + index}`);

describe('spare servers, on any HAProxy', {skip: missing('haproxy'), timeout: 180_000}, () => {
  test('pods join and leave -> clients get them, HAProxy stays the same process; nobody is shown a spare server', async () => {
    await using undo = new AsyncDisposableStack();
    const folder = undo.use(await openFolder());
    const [port, podPort] = [await freePort(), await freePort()];
    const template = join(folder.path, 'proxy.j2');
    await writeFile(
      template,
      `defaults
  mode http
  timeout connect 2s
  timeout client 15s
  timeout server 15s
  option http-server-close
frontend proxy
  bind 127.0.0.1:${port}
  default_backend web
backend web
  server always 127.0.9.20:${podPort}
{%- for ip in hosts['web'] %}
  server web-{{loop.index}} {{ip}}:${podPort}
{%- endfor %}
`,
    );
    const all = ['127.0.9.20', ...POD_IPS];
    undo.use(await startBackends(all.map(host => ({name: host, host, port: podPort}))));
    const env = {KONTROL_SPARE_SERVERS: '3', KONTROL_DAMPER: '0', KONTROL_WARMUP: '0'};
    const daemon = undo.use(await startDaemon({template, env}));
    await daemon.waitFor(({ready}) => ready, 'a ready daemon');
    const live = new Set<string>();
    const config = async () => (await daemon.get('/config'))?.body ?? '';
    /** By a client's requests: everybody is served who is there, and nobody else. */
    const seeServed = () =>
      waitFor(
        async () => {
          const seen = new Set<string>();
          for (let count = 0; count < 2 * all.length; count += 1) seen.add(await fetchText({port}));
          return [...seen].sort().join() === ['127.0.9.20', ...live].sort().join();
        },
        `answers of ${[...live].join()}`,
        {timeoutMs: 9000, evidence: () => daemon.logs.map(l => JSON.stringify(l)).join('\n')},
      );
    const say = async (ip: string, down = false) => {
      await daemon.ping({ip}, down ? {down} : {});
      if (down) live.delete(ip);
      else live.add(ip);
      await seeServed();
    };
    const [a = '', b = '', c = '', d = '', e = ''] = POD_IPS;
    await say(a);
    const {proxy} = await daemon.waitFor(seen => seen.inSync && seen, 'the first pod in sync');
    for (const ip of [b, c]) await say(ip);
    for (const ip of [a, c]) await say(ip, true);
    for (const ip of [d, e]) await say(ip);
    const after = await daemon.waitFor(seen => seen.inSync && seen, 'all in sync');
    assert.deepEqual([after.proxy.pid, after.proxy.generation], [proxy.pid, proxy.generation]);
    assert.equal((await config()).match(/^ {2}server web-/gm)?.length, 3);
    for (const path of ['/config', '/status', '/members', '/metrics', '/traffic', '/history'])
      assert.doesNotMatch((await daemon.get(path))?.body ?? '', /192\.0\.2\./, path);
    assert.deepEqual(after.problems, []);
    // More than there is room for: HAProxy 2.6+ is told to add some, an older one is started anew with room for more.
    await say(POD_IPS[5] ?? '');
    await say(a);
    await daemon.waitFor(({inSync}) => inSync, 'all in sync again');
  });
});
