import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import type {MasterAddress} from '../../src/config/config.ts';
import type {Json} from '../../src/members/member.ts';
import {openLog} from '../../src/ports/log.ts';
import type {SendOutcome} from '../../src/slave/send.ts';
import {openSlave} from '../../src/slave/slave.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const FIRST_PING: unknown = JSON.parse(
  readFileSync(new URL('../fixtures/pings.jsonl', import.meta.url), 'utf8').split('\n')[0] ?? '',
);
const accepted: SendOutcome = {is: 'answered', status: 200};

interface Sent {
  readonly to: string;
  readonly atMs: number;
  readonly body: Record<string, Json>;
  readonly text: string;
}

/** What a master does with a ping: an outcome, or `hang` until the ping is given up. */
type Behaviour = SendOutcome | 'hang';

function openScene(masters: Record<string, Behaviour> = {a: accepted}) {
  const clock = createFakeClock();
  const sent: Sent[] = [];
  const logged: {level: number; msg: string; master: string; reason?: string}[] = [];
  let payload: Json = '';
  let onChange = () => {};
  const behaviour = new Map(Object.entries(masters));
  const slave = openSlave({
    masters: Object.keys(masters).map(host => ({host, port: 8000})),
    self: {app: 'web', id: 'web-3621538101-fnnfp', ip: '10.2.0.17', role: 'frontend'},
    ttlMs: 25_000,
    payload: {
      text: () => JSON.stringify(payload),
      follow(call) {
        onChange = call;
        return () => {
          onChange = () => {};
        };
      },
    },
    deriveKey: () => 'bmviV',
    send: ({host}: MasterAddress, text: string, signal: AbortSignal) => {
      sent.push({to: host, atMs: clock.nowMs(), body: JSON.parse(text), text});
      const outcome = behaviour.get(host) ?? accepted;
      if (outcome !== 'hang') return Promise.resolve(outcome);
      return new Promise(resolve => {
        signal.addEventListener('abort', () => resolve({is: 'failed', reason: signal.reason.message}));
      });
    },
    clock,
    log: openLog('info', {write: line => logged.push(JSON.parse(line))}).log,
  });
  const downs = () => sent.filter(({body}) => body.down === true);
  return {
    clock,
    slave,
    sent,
    logged,
    behaviour,
    downs,
    change(next: Json) {
      payload = next;
      onChange();
    },
  };
}

describe('slave', () => {
  test('start -> the ping of 2017 with a nonce, keys sorted, then every 18.75 s', async () => {
    const scene = openScene();
    await scene.clock.advance(37_500);
    assert.deepEqual(
      scene.sent.map(({atMs}) => atMs),
      [0, 18_750, 37_500],
    );
    const {nonce, ...rest} = scene.sent[0]?.body ?? {};
    assert.deepEqual(rest, FIRST_PING);
    assert.match(String(nonce), /^[0-9a-f]{16}$/);
    assert.equal(new Set(scene.sent.map(({body}) => body.nonce)).size, 1);
    assert.notEqual(openScene().sent[0]?.body.nonce, nonce);
    const keys = Object.keys(JSON.parse(scene.sent[0]?.text ?? ''));
    assert.deepEqual(keys, keys.toSorted());
    assert.deepEqual(
      scene.logged.map(({msg}) => msg),
      ['master reachable'],
    );
  });

  test('payload change while waiting and while in flight -> one ping each that holds it', async () => {
    const scene = openScene();
    await scene.clock.advance(100);
    scene.change({weight: 50});
    scene.change({weight: 60});
    await scene.clock.advance(100);
    assert.deepEqual(
      scene.sent.map(({body}) => body.payload),
      ['', {weight: 50}, {weight: 60}],
    );
    await scene.clock.advance(18_750);
    assert.equal(scene.sent.length, 4);
  });

  test('master that hangs -> given up after 1 s, backed off, one warning; the other is not delayed', async () => {
    const scene = openScene({a: accepted, '::1': 'hang'});
    await scene.clock.advance(37_500);
    scene.behaviour.set('::1', accepted);
    await scene.clock.advance(12_000);
    const toFirst = scene.sent.filter(({to}) => to === 'a').map(({atMs}) => atMs);
    assert.deepEqual(toFirst, [0, 18_750, 37_500]);
    assert.deepEqual(
      scene.logged.map(({level, msg, master}) => [level, msg, master]),
      [
        [30, 'master reachable', 'a:8000'],
        [40, 'master unreachable', '[::1]:8000'],
        [30, 'master reachable', '[::1]:8000'],
      ],
    );
    assert.equal(scene.logged[1]?.reason, 'no answer within 1000 ms');
  });

  test('close -> one down to every master, then silence', async () => {
    const scene = openScene({a: accepted, b: accepted});
    await scene.clock.advance(10);
    await Promise.all([scene.slave.close(), scene.slave.close()]);
    scene.change('late');
    await scene.clock.advance(60_000);
    assert.deepEqual(
      scene.downs().map(({to}) => to),
      ['a', 'b'],
    );
    assert.equal(scene.sent.length, 4);
  });

  test('close, one master hangs with a ping in flight -> down to both, over after 1 s', async () => {
    const scene = openScene({a: accepted, b: 'hang'});
    await scene.clock.advance(500);
    let over = false;
    const closing = scene.slave.close().then(() => {
      over = true;
    });
    await scene.clock.advance(999);
    assert.equal(over, false);
    await scene.clock.advance(1);
    assert.equal(over, true);
    await closing;
    assert.equal(scene.downs().length, 2);
  });

  test('close, signal aborts -> over at once', async () => {
    const scene = openScene({a: 'hang'});
    const hurry = new AbortController();
    const closing = scene.slave.close(hurry.signal);
    hurry.abort();
    await closing;
    assert.equal(scene.downs().length, 1);
    const late = openScene();
    await late.slave.close(AbortSignal.abort());
    assert.equal(late.downs().length, 1);
  });
});
