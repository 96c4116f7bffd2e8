import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveDifference, type ServerChange} from '../../src/proxy/difference.ts';
import {findCheckDoubt, findDown, readBack} from '../../src/reload/read-back.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {createFakeHaproxy, type FakeServer} from './fake-haproxy.ts';

const textOf = (...servers: readonly string[]): string =>
  `backend web\n${servers.map(one => `  server ${one}\n`).join('')}`;

function changesOf(before: string, after: string): readonly ServerChange[] {
  const difference = deriveDifference(before, after, {release: 2.6});
  assert.equal(difference.is, 'runtime');
  return difference.changes;
}

/** A HAProxy that has these servers, and a clock that goes on as long as `pending` waits for it. */
function open(servers: Readonly<Record<string, Partial<FakeServer>>>) {
  const clock = createFakeClock();
  const haproxy = createFakeHaproxy(100, servers);
  const ask = (_: string, line: string) => haproxy.ask(line);
  /** What is changed of a server after so long. */
  const later = (afterMs: number, name: string, changes: Partial<FakeServer>) =>
    clock.after(afterMs, () => Object.assign(haproxy.servers.get(name) ?? {}, changes));
  /** What `pending` comes to, and at what time. */
  const during = async <Value>(pending: Promise<Value>) => {
    let endedMs: number | undefined;
    const end = () => {
      endedMs = clock.nowMs();
    };
    void pending.then(end, end);
    for (let turn = 0; endedMs === undefined && turn < 1000; turn += 1) await clock.advance(turn < 20 ? 0 : 1);
    return {value: await pending, atMs: endedMs};
  };
  return {haproxy, later, during, ports: {ask, clock}};
}

describe('servers that were told of a change', () => {
  const changes = changesOf(textOf('a 10.0.0.1:80'), textOf('a 10.0.0.2:80'));

  for (const [takenMs, seenMs] of [
    [1, 1],
    [2, 6],
    [7, 11],
    [100, 100],
  ] as const) {
    test(`taken after ${takenMs} ms -> seen after ${seenMs} ms`, async () => {
      const {later, during, ports} = open({'web/a': {}});
      later(takenMs, 'web/a', {addr: '10.0.0.2'});
      const seen = await during(readBack('/s', changes, {...ports, isRefused: false}));
      assert.deepEqual(seen, {value: undefined, atMs: seenMs});
    });
  }

  test('taken after 101 ms -> not seen any more', async () => {
    const {later, during, ports} = open({'web/a': {}});
    later(101, 'web/a', {addr: '10.0.0.2'});
    const seen = await during(readBack('/s', changes, {...ports, isRefused: false}));
    assert.deepEqual(seen, {value: 'web/a is at 10.0.0.1, not 10.0.0.2', atMs: 100});
  });
});

describe('a check of how a server was is under way', () => {
  const UNDER_WAY = 1;
  const DOUBT = 'web/a is being checked as it was, and a failure of that check would count against it';

  /** Why changes may not be told, and after how long that is known; the check ends after `endsMs`. */
  async function doubtOf(changes: readonly ServerChange[], endsMs?: number) {
    const {later, during, haproxy, ports} = open({'web/a': {check: UNDER_WAY}, 'web/b': {}});
    if (endsMs !== undefined) later(endsMs, 'web/a', {check: 2});
    const {value, atMs} = await during(findCheckDoubt('/s', changes, ports));
    return {why: value, atMs, isAsked: haproxy.asked.length > 0};
  }

  const OTHER = 'b 10.0.0.3:80 check';
  const moves = changesOf(textOf('a 10.0.0.1:80 check', OTHER), textOf('a 10.0.0.2:80 check', OTHER));

  for (const [endsMs, toldMs] of [
    [5, 5],
    [6, 10],
    [50, 50],
  ] as const) {
    test(`and ends after ${endsMs} ms -> the server may move after ${toldMs} ms`, async () => {
      assert.deepEqual(await doubtOf(moves, endsMs), {why: undefined, atMs: toldMs, isAsked: true});
    });
  }

  test('and goes on for more than 50 ms -> a reload', async () => {
    assert.deepEqual(await doubtOf(moves, 51), {why: DOUBT, atMs: 50, isAsked: true});
  });

  for (const [name, before, after, isDoubted] of [
    ['it is enabled', ['a 10.0.0.1:80 check disabled', OTHER], ['a 10.0.0.1:80 check', OTHER], true],
    ['the only one is enabled', ['a 10.0.0.1:80 check disabled'], ['a 10.0.0.1:80 check'], true],
    ['the only one moves', ['a 10.0.0.1:80 check'], ['a 10.0.0.2:80 check'], false],
    ['the only one moves, "fall 3"', ['a 10.0.0.1:80 check fall 3'], ['a 10.0.0.2:80 check fall 3'], false],
    ['the only one moves, "fall 2"', ['a 10.0.0.1:80 check fall 2'], ['a 10.0.0.2:80 check fall 2'], false],
    [
      'the only one moves, "fall 1x", which is 1',
      ['a 10.0.0.1:80 check fall 1x'],
      ['a 10.0.0.2:80 check fall 1x'],
      true,
    ],
    ['the only one moves, "fall 1"', ['a 10.0.0.1:80 check fall 1'], ['a 10.0.0.2:80 check fall 1'], true],
    [
      'it moves, one of two, "fall 3"',
      ['a 10.0.0.1:80 check fall 3', OTHER],
      ['a 10.0.0.2:80 check fall 3', OTHER],
      true,
    ],
    ['it moves, and has no checks', ['a 10.0.0.1:80', OTHER], ['a 10.0.0.2:80', OTHER], false],
    ['it moves, disabled', ['a 10.0.0.1:80 check disabled', OTHER], ['a 10.0.0.2:80 check disabled', OTHER], false],
    ['it is disabled', ['a 10.0.0.1:80 check', OTHER], ['a 10.0.0.1:80 check disabled', OTHER], false],
    ['it weighs more', ['a 10.0.0.1:80 check', OTHER], ['a 10.0.0.1:80 check weight 2', OTHER], false],
    ['it goes', ['a 10.0.0.1:80 check', OTHER], [OTHER], false],
    ['another one moves', ['a 10.0.0.1:80 check', OTHER], ['a 10.0.0.1:80 check', 'b 10.0.0.4:80 check'], undefined],
  ] as const) {
    const outcome = isDoubted ? 'a reload' : isDoubted === false ? 'told, nothing is asked' : 'told';
    test(`${name} -> ${outcome}`, async () => {
      const {why, isAsked} = await doubtOf(changesOf(textOf(...before), textOf(...after)));
      assert.deepEqual({why, isAsked}, {why: isDoubted ? DOUBT : undefined, isAsked: isDoubted !== false});
    });
  }
});

describe('a server that is down before it is told of a change', () => {
  const known = textOf('a 10.0.0.1:80 check', 'b 10.0.0.3:80 check');
  const moved = changesOf(known, textOf('a 10.0.0.2:80 check', 'b 10.0.0.4:80 check'));

  for (const [name, server, down] of [
    ['its checks failed', {isDown: true}, 'web/b'],
    ['it is in maintenance', {admin: 1}, undefined],
    ['it drains', {admin: 8}, undefined],
    ['it is up', {}, undefined],
  ] as const) {
    test(`${name} -> ${down ?? 'none'}`, async () => {
      const {ports} = open({'web/a': {}, 'web/b': server});
      assert.equal(await findDown('/s', moved, ports.ask), down);
    });
  }

  test('it is not there -> none', async () => {
    assert.equal(await findDown('/s', moved, open({}).ports.ask), undefined);
  });

  test('servers only come -> nothing is asked', async () => {
    const {haproxy, ports} = open({'web/a': {isDown: true}, 'web/b': {}});
    assert.equal(await findDown('/s', changesOf(known, `${known}  server c 10.0.0.5:80\n`), ports.ask), undefined);
    assert.deepEqual(haproxy.asked, []);
  });
});
