import assert from 'node:assert/strict';
import {test} from 'node:test';
import {missing} from '../support/parts.ts';
import {startServed} from '../support/served.ts';

const WARN = 40;

test("the manual's `log global` and `option httplog`, reloads -> no warning, neither of the candidate nor of who makes room", {
  skip: missing('haproxy'),
  timeout: 60_000,
}, async () => {
  await using served = await startServed({KONTROL_LOG_LEVEL: 'debug'});
  const {daemon} = served;
  const logging = `defaults\n  mode http\n  log global\n  option httplog\n${served.template}`;
  for (const text of [logging, logging.replace(/timeout client \d+s/, 'timeout client 21s')]) {
    const {generation} = (await daemon.waitFor(seen => seen, 'a status')).proxy;
    await served.rewrite(text);
    await daemon.waitFor(
      ({inSync, proxy}) => inSync && proxy.generation > generation && proxy.draining.length === 0,
      'a reload, and the end of the old HAProxy',
    );
    assert.equal(await served.fetch(), 'pod');
  }
  // Of a server that joined at run time it says so.
  const said = daemon.logs.filter(({msg, line}) => msg === 'haproxy wrote' && !/ is UP\/READY /.test(String(line)));
  assert.deepEqual(
    said.filter(({level}) => Number(level) >= WARN),
    [],
  );
  const warned = daemon.logs.filter(({level, msg}) => Number(level) >= WARN && /config|warn/.test(String(msg)));
  assert.deepEqual(warned, []);
});
