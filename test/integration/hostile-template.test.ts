import assert from 'node:assert/strict';
import {mkdtemp, rename, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';

const LOOP = '{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}';
const MEMORY =
  "{% set x = [] %}{% for i in range(100000) %}{% set _ = x.append(('a%d' % i) * 3000) %}{{ x[-1]|upper|length }}{% endfor %}";
const OUTPUT = "{% for i in range(100000) %}{{ 'x' * 1000000 }}{% endfor %}";
const LATIN_1 = Buffer.from('# caf\xe9\n', 'latin1');
const FAULT = '{{ hosts.web.first.second }}';

const HOSTILE = [
  ['a template that loops for ever', LOOP, /takes (?:too long|longer)/],
  ['a template that exhausts memory', MEMORY, /memory|takes (?:too long|longer)/],
  ['a template that writes without end', OUTPUT, /longer than 16 MiB|takes (?:too long|longer)/],
  ['a template that is not UTF-8', LATIN_1, /it is not UTF-8 at byte 5 \(line 1\)/],
  ['a template with a fault', FAULT, /has no attribute/],
] as const;

describe('daemon', {skip: missing('haproxy')}, () => {
  test('hostile templates, one after the other -> every ping answered, the last good proxy serves, the reason shown', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kontrol-hostile-'));
    const template = join(folder, 'proxy.j2');
    const port = await freePort();
    const good = (note: string) =>
      `# ${note}\nlisten web\n  mode tcp\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\n  bind 127.0.0.1:${port}\n` +
      '{% for app in hosts %}{% for ip in hosts[app] %}  server {{ app }}{{ loop.index }} {{ ip }}:80\n{% endfor %}{% endfor %}';
    const replaceTemplate = async (text: string | Buffer) => {
      await writeFile(`${template}.next`, text);
      await rename(`${template}.next`, template);
    };
    try {
      await replaceTemplate(good('first'));
      await using daemon = await startDaemon({template, env: {KONTROL_RENDER_TIMEOUT: '2', KONTROL_TTL: '60'}});
      await daemon.waitFor(status => status.inSync, 'the first configuration', 30_000);

      for (const [what, text, reason] of HOSTILE) {
        const before = await daemon.status();
        await replaceTemplate(text);
        let pings = 0;
        await daemon.waitFor(
          async status => {
            // The ping itself fails after the second that a real slave waits.
            const outcome = await daemon.ping({app: 'web', ip: '10.9.8.7', id: 'web-1'});
            assert.equal(outcome.is, 'answered', `${what}: ping ${pings}: ${JSON.stringify(outcome)}`);
            pings++;
            return reason.test(status.lastError ?? '');
          },
          `${what} refused`,
          60_000,
        );
        const after = await daemon.status();
        assert.equal(after?.inSync, false);
        assert.equal(after?.proxy.state, 'RUNNING');
        assert.equal(after?.proxy.pid, before?.proxy.pid, 'the last good proxy serves');
        assert.ok(pings > 0);
        await replaceTemplate(good(what));
        await daemon.waitFor(status => status.inSync, `a good template after ${what}`, 60_000);
      }
    } finally {
      await rm(folder, {recursive: true, force: true});
    }
  });
});
