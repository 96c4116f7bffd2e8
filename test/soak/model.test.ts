import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createModel, type Model, type Ping, type PingEnd} from './model.ts';

const OPTIONS = {ttlMs: 4000, lateMs: 1000, snapshotMs: 1500, lostReplicaMs: 0};

function createScene(options: Partial<typeof OPTIONS> = {}) {
  const model = createModel({...OPTIONS, ...options});
  const say = (ip: string, sentMs: number, atMs: number, more: Partial<Ping> & {end?: PingEnd} = {}) => {
    const {end = 'accepted', ...fields} = more;
    const ping: Ping = {ip, app: 'web', sentMs, down: false, fresh: false, ...fields};
    model.sent(ping);
    model.ended(ping, atMs, end);
  };
  return {model, say};
}

const at = (model: Model, ip: string, fromMs: number, toMs = fromMs) =>
  model.expected({fromMs, toMs}).find(one => one.ip === ip)?.is;

describe('model', () => {
  test('a ping under way -> unknown from when it was sent, in from when it was answered', () => {
    const {model} = createScene();
    const ping: Ping = {ip: 'a', app: 'web', sentMs: 100, down: false, fresh: false};
    model.sent(ping);
    assert.equal(at(model, 'a', 50), 'out');
    assert.equal(at(model, 'a', 150), 'unknown');
    model.ended(ping, 200, 'accepted');
    assert.equal(at(model, 'a', 150, 250), 'unknown');
    assert.equal(at(model, 'a', 200, 250), 'in');
  });

  test('a silent pod -> in for its TTL, unknown for as long as its removal may be late, then out', () => {
    const {model, say} = createScene();
    say('a', 100, 200);
    assert.equal(at(model, 'a', 4100), 'in');
    assert.equal(at(model, 'a', 4101), 'unknown');
    assert.equal(at(model, 'a', 5200), 'unknown');
    assert.equal(at(model, 'a', 5201), 'out');
  });

  test('a goodbye -> unknown while it is under way, out once it was answered, in again with the next ping', () => {
    const {model, say} = createScene();
    say('a', 100, 200);
    const goodbye: Ping = {ip: 'a', app: 'web', sentMs: 300, down: true, fresh: false};
    model.sent(goodbye);
    assert.equal(at(model, 'a', 310), 'unknown');
    model.ended(goodbye, 400, 'accepted');
    assert.equal(at(model, 'a', 401), 'out');
    say('a', 500, 600);
    assert.equal(at(model, 'a', 600), 'in');
    assert.deepEqual(model.expected({fromMs: 600, toMs: 600})[0]?.joined, {fromMs: 500, toMs: 600});
  });

  test('a ping in the very millisecond in which its goodbye was answered -> a stay of its own, before it is answered as well', () => {
    const {model, say} = createScene();
    say('a', 100, 200);
    say('a', 300, 400, {down: true});
    model.sent({ip: 'a', app: 'web', sentMs: 400, down: false, fresh: false});
    const [seen] = model.expected({fromMs: 400, toMs: 500});
    assert.deepEqual(seen?.joined, {fromMs: 100, toMs: Number.POSITIVE_INFINITY});
  });

  test('a goodbye of a pod that never came, then a dead or paused daemon -> its first stay begins with its first ping', () => {
    const {model, say} = createScene();
    for (const ip of ['dead', 'paused']) say(ip, 100, 200, {down: true});
    model.paused({fromMs: 150, toMs: 300});
    say('paused', 400, 500);
    model.daemonDied(600);
    model.daemonBack({fromMs: 700, toMs: 800});
    say('dead', 900, 1000);
    assert.deepEqual(
      ['dead', 'paused'].map(ip => [at(model, ip, 850), at(model, ip, 5500)]),
      [
        ['out', 'unknown'],
        ['unknown', 'unknown'],
      ],
    );
  });

  test('a lost ping -> it may have been heard; a refused one was not', () => {
    const {model, say} = createScene();
    say('a', 100, 200, {end: 'lost'});
    say('b', 100, 200, {end: 'refused'});
    assert.equal(at(model, 'a', 300), 'unknown');
    assert.equal(at(model, 'b', 300), 'out');
  });

  test('another pod on the IP -> in all the time, and joined anew; a look that began before may show the order of before', () => {
    const {model, say} = createScene();
    say('a', 100, 200);
    say('a', 1000, 1100, {fresh: true});
    const joinedAt = (fromMs: number) => model.expected({fromMs, toMs: 1200});
    assert.deepEqual(joinedAt(1100), [{ip: 'a', app: 'web', is: 'in', joined: {fromMs: 1000, toMs: 1100}}]);
    assert.deepEqual(joinedAt(900), [{ip: 'a', app: 'web', is: 'in', joined: {fromMs: 100, toMs: 1100}}]);
  });

  test('daemon killed -> who joined in time is in with a fresh TTL; who joined or left just before is unknown', () => {
    const {model, say} = createScene();
    for (const ip of ['old', 'left', 'gone']) say(ip, 100, 200);
    say('gone', 300, 400, {down: true});
    say('old', 2000, 2100);
    say('new', 2400, 2500);
    say('left', 2600, 2700, {down: true});
    model.daemonDied(3000);
    model.daemonBack({fromMs: 9000, toMs: 9500});
    assert.equal(at(model, 'old', 9500, 13_000), 'in');
    assert.equal(at(model, 'old', 14_501), 'out');
    assert.equal(at(model, 'new', 9500), 'unknown');
    assert.equal(at(model, 'left', 9500), 'unknown');
    assert.equal(at(model, 'left', 14_501), 'out');
    assert.equal(at(model, 'gone', 9500), 'out');
  });

  test('daemon down for longer than a TTL -> who was in kept its place, whatever it tried meanwhile', () => {
    const {model, say} = createScene();
    say('a', 100, 200);
    say('a', 3000, 3100);
    model.daemonDied(4000);
    for (let ms = 5000; ms < 20_000; ms += 1000) say('a', ms, ms + 10, {end: 'refused'});
    model.daemonBack({fromMs: 20_000, toMs: 21_000});
    say('a', 21_000, 21_100);
    const expected = model.expected({fromMs: 21_200, toMs: 21_200});
    assert.deepEqual(expected, [{ip: 'a', app: 'web', is: 'in', joined: {fromMs: 100, toMs: 200}}]);
  });

  test('a goodbye that the next daemon heard before it was seen to be back -> out', () => {
    const {model, say} = createScene();
    say('a', 100, 200);
    model.daemonDied(2000);
    say('a', 3500, 3600, {down: true});
    model.daemonBack({fromMs: 3000, toMs: 3700});
    assert.equal(at(model, 'a', 3800), 'out');
  });

  test('a goodbye in a pause -> unknown: it may be heard when the pause ends', () => {
    const {model, say} = createScene();
    say('a', 100, 200);
    say('a', 1500, 2500, {down: true, end: 'lost'});
    model.paused({fromMs: 1000, toMs: 6000});
    assert.equal(at(model, 'a', 6100), 'unknown');
  });

  test('process paused -> whoever was in gets a fresh TTL, after a long pause for sure', () => {
    for (const [pauseMs, is] of [
      [500, 'unknown'],
      [5000, 'in'],
    ] as const) {
      const {model, say} = createScene();
      say('a', 100, 200);
      model.paused({fromMs: 4000, toMs: 4000 + pauseMs});
      assert.equal(at(model, 'a', 4200 + pauseMs), is);
    }
  });

  test('five of an app silent together -> they may be held for two TTLs; four may not', () => {
    for (const [count, is] of [
      [5, 'unknown'],
      [4, 'out'],
    ] as const) {
      const {model, say} = createScene();
      for (let n = 0; n < count; n++) say(`p${n}`, 100, 200);
      assert.equal(at(model, 'p0', 10_000), is);
      assert.equal(at(model, 'p0', 30_000), 'out');
    }
  });

  test('five of an app silent together, one back -> the others may be held all the same', () => {
    const {model, say} = createScene();
    for (const ip of ['a', 'b', 'c', 'd', 'e']) say(ip, 100, 200);
    say('e', 5000, 5100);
    say('e', 8000, 8100);
    assert.equal(at(model, 'a', 14_000), 'unknown');
    assert.equal(at(model, 'a', 14_300), 'out');
  });

  test('five of an app silent together, one says goodbye late -> the others may be held all the same', () => {
    const {model, say} = createScene();
    for (const ip of ['a', 'b', 'c', 'd', 'e']) say(ip, 100, 200);
    say('e', 4000, 4100, {down: true});
    assert.equal(at(model, 'e', 4200), 'out');
    assert.equal(at(model, 'a', 14_000), 'unknown');
    assert.equal(at(model, 'a', 14_300), 'out');
  });

  test('replica lost with a shared store -> silent pods may get another TTL', () => {
    const {model, say} = createScene({lostReplicaMs: 4000});
    model.daemonDied(0);
    say('a', 100, 200);
    assert.equal(at(model, 'a', 9200), 'unknown');
    assert.equal(at(model, 'a', 9201), 'out');
  });
});
