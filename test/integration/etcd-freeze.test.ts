import assert from 'node:assert/strict';
import {type TestContext, test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {startEtcd} from '../support/etcd.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {keepTemplate} from '../support/served.ts';
import {fetchText, webTemplate} from '../support/web.ts';
import {running, weighed} from '../support/weighed.ts';

const FIRST = '127.0.9.1';
const SECOND = '127.0.9.2';
const THIRD = '127.0.9.3';
const FOURTH = '127.0.9.4';

const BAD = {weight: 999};

/** A daemon with a HAProxy of its own, whose template a test may rewrite. */
interface Replica extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly template: string;
  rewrite(template: string): Promise<void>;
  /** Waits until these, and no others, answer requests. */
  serves(...who: string[]): Promise<unknown>;
  /** Whom `/status` tells to be in quarantine, and how they are served, once there are as many. */
  quarantined(count: number): Promise<readonly string[]>;
}

async function startReplica(id: string, endpoints: string, podPort: number): Promise<Replica> {
  await using undo = new AsyncDisposableStack();
  const port = await freePort();
  const template = weighed(webTemplate(`127.0.0.1:${port}`, podPort), podPort);
  const kept = undo.use(await keepTemplate(id === 'lb-0' ? 'annotation' : 'file', template));
  const env = {
    ...kept.options.env,
    NAMESPACE: 'default',
    KONTROL_ID: id,
    KONTROL_ETCD: endpoints,
    KONTROL_WARMUP: '1',
    KONTROL_DAMPER: '0',
  };
  const daemon = undo.use(await startDaemon({template: kept.options.template, env}));
  const opened = undo.move();
  return {
    daemon,
    template,
    rewrite: kept.write,
    serves: (...who) =>
      daemon.waitFor(async () => {
        const answers = await Promise.all(Array.from({length: 9}, () => fetchText({port})));
        return [...new Set(answers)].sort().join() === who.join();
      }, `${id} serves ${who}`),
    quarantined: count =>
      daemon.waitFor(
        ({quarantined: out}) => out.length === count && out.map(({ip, served}) => `${ip} ${served}`).sort(),
        `${count} in quarantine at ${id}`,
      ),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

test('two replicas, pods that break the configuration, a template that is refused -> each costs itself alone, at both', {
  skip: missing('haproxy', 'etcd'),
  timeout: 180_000,
}, async (t: TestContext) => {
  await using etcd = await startEtcd({nodes: 1});
  const podPort = await freePort();
  await using _backends = await startBackends(
    [FIRST, SECOND, THIRD, FOURTH].map(host => ({name: host, host, port: podPort})),
  );
  const start = (id: string) => startReplica(id, etcd.endpoints, podPort);
  await using one = await start('lb-0');
  await using other = await start('lb-1');
  const both = [one, other];
  const serve = async (...who: string[]) => {
    await Promise.all(both.map(replica => replica.serves(...who)));
  };
  const quarantine = (count: number) => Promise.all(both.map(replica => replica.quarantined(count)));
  for (const {daemon} of both) await daemon.waitFor(({store, ready}) => store.healthy && ready, 'a linked replica');
  const first = one.daemon.slave({ip: FIRST});
  const second = other.daemon.slave({ip: SECOND});
  using _first = running(first);
  using _second = running(second);
  await serve(FIRST, SECOND);

  const sick = one.daemon.slave({ip: SECOND, payload: BAD});
  using _sick = running(sick, second);
  const third = other.daemon.slave({ip: THIRD, payload: BAD});
  using _third = running(third);

  await t.test('one that is served and one that comes are bad -> as before, and not at all, at both', async () => {
    const wanted = [`${SECOND} as before`, `${THIRD} not at all`];
    assert.deepEqual(await quarantine(2), [wanted, wanted]);
    await serve(FIRST, SECOND);
  });

  const fourth = one.daemon.slave({ip: FOURTH});
  using _fourth = running(fourth);
  await t.test('another one joins meanwhile -> served by both', () => serve(FIRST, SECOND, FOURTH));

  await t.test('a third replica starts meanwhile -> the same', async () => {
    await using fresh = await start('lb-2');
    assert.deepEqual(await fresh.quarantined(2), [`${SECOND} as before`, `${THIRD} not at all`]);
    await fresh.serves(FIRST, SECOND, FOURTH);
    // One that is killed may have the turn to reload, for ten seconds more.
    fresh.daemon.signal('SIGTERM');
    await fresh.daemon.exited;
  });

  const mended = other.daemon.slave({ip: SECOND, payload: {weight: 2}});
  using _mended = running(mended, sick);
  await t.test('one is mended, and tells another replica -> let out at both', async () => {
    const wanted = [`${THIRD} not at all`];
    assert.deepEqual(await quarantine(1), [wanted, wanted]);
  });
  await third.down();
  await t.test('one leaves -> forgotten by both', async () => {
    await quarantine(0);
  });

  await t.test('the template of one is refused -> that one alone is behind; pods come and go at both', async () => {
    await one.rewrite(`${one.template}  bogus word\n`);
    await one.daemon.waitFor(({refused}) => refused?.serving != null, 'the template refused');
    await fourth.down();
    await serve(FIRST, SECOND);
    using _again = running(other.daemon.slave({ip: THIRD}));
    await serve(FIRST, SECOND, THIRD);
    await other.daemon.waitFor(
      ({fleet, refused}) =>
        refused === null && fleet?.map(({id, inSync}) => `${id} ${inSync}`).join() === 'lb-0 false,lb-1 true',
      'that one alone behind',
    );
    await one.rewrite(one.template);
    await one.daemon.waitFor(({refused, inSync}) => inSync && refused === null, 'the template mended');
  });
});
