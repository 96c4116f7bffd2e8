import assert from 'node:assert/strict';
import {rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {startDaemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {replaceFile} from '../support/replace-file.ts';
import {waitFor} from '../support/wait.ts';
import {fetchText} from '../support/web.ts';

const POD_IPS = Array.from({length: 6}, (_, index) => `127.0.9.${21 + index}`);

/** HAProxy, which does not start as long as there is the file `hold` beside it. */
const SLOW_HAPROXY = `#!/bin/sh
case " $* " in
  *' -v '* | *' -vv '* | *' -c '*) ;;
  *) while [ -e "\${0%/*}/hold" ]; do sleep 0.02; done ;;
esac
exec '${haproxyBinary}' "$@"
`;

describe('spare servers, on any HAProxy', {skip: missing('haproxy'), timeout: 180_000}, () => {
  test('pods join and leave while HAProxy is reloaded -> the new one serves them, told at run time', async () => {
    await using undo = new AsyncDisposableStack();
    const folder = undo.use(await openFolder());
    const [port, podPort] = [await freePort(), await freePort()];
    const [template, binary, hold] = ['proxy.j2', 'haproxy', 'hold'].map(name => join(folder.path, name)) as [
      string,
      string,
      string,
    ];
    const textOf = (maxConn: number) =>
      `global\n  maxconn ${maxConn}\ndefaults\n  mode http\n  option http-server-close\n  timeout connect 2s\n` +
      `  timeout client 15s\n  timeout server 15s\nfrontend proxy\n  bind 127.0.0.1:${port}\n  default_backend web\n` +
      `backend web\n{% for ip in hosts.web %}  server web-{{ loop.index }} {{ ip }}:${podPort}\n{% endfor %}`;
    await writeFile(template, textOf(100));
    await writeFile(binary, SLOW_HAPROXY, {mode: 0o755});
    undo.use(await startBackends(POD_IPS.map(host => ({name: host, host, port: podPort}))));
    const env = {KONTROL_SPARE_SERVERS: '3', KONTROL_DAMPER: '0', KONTROL_WARMUP: '0', KONTROL_HAPROXY: binary};
    const daemon = undo.use(await startDaemon({template, env}));
    await daemon.waitFor(({ready}) => ready, 'a ready daemon');
    const config = async () => (await daemon.get('/config'))?.body ?? '';
    const seeText = (...parts: readonly string[]) =>
      daemon.waitFor(async status => {
        const text = await config();
        return status.inSync && parts.every(part => text.includes(part)) && status;
      }, parts.join(', '));
    const [a = '', b = '', c = ''] = POD_IPS;
    for (const ip of [a, b]) await daemon.ping({ip});
    const before = await seeText(`web-1 ${a}`, `web-2 ${b}`);
    await writeFile(hold, '');
    await replaceFile(template, textOf(200));
    const isStarting = () =>
      daemon.logs.some(one => one.to === 'STARTING' && one.generation === before.proxy.generation + 1);
    await waitFor(isStarting, 'a reload that goes on', {timeoutMs: 40_000});
    await daemon.ping({ip: a}, {down: true});
    await daemon.ping({ip: c});
    await rm(hold);
    const after = await seeText('maxconn 200', `web-1 ${b}`, `web-2 ${c}`);
    assert.deepEqual([after.proxy.generation, after.reload.last?.way], [before.proxy.generation + 1, 'runtime']);
    const seen = new Set<string>();
    for (let count = 0; count < 8; count += 1) seen.add(await fetchText({port}));
    assert.deepEqual([...seen].sort(), [b, c]);
  });

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
