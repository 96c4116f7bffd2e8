import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Row} from '../../src/proxy/answers.ts';
import {type FailedHandshakes, type HandshakeHistory, noteHandshakes} from '../../src/proxy/handshakes.ts';

/** What comes between two looks at a frontend, a look every 2 s. */
type Traffic = readonly [good: number, failed: number];

const frontend = (good: number, failed: number): Row => ({
  ...{pxname: 'web', type: '0', ssl_sess: `${good}`, ssl_failed_handshake: `${failed}`},
});

/** At which looks of so many it is told, as `from-to` or `from-`. */
function toldAt(
  looks: number,
  traffic: (look: number) => Traffic,
  rowOf: (...traffic: Traffic) => Row = frontend,
): string {
  let history: HandshakeHistory = new Map();
  let [good, failed] = [100, 100];
  const told: number[] = [];
  for (let look = 1; look <= looks; look += 1) {
    const before = {atMs: 2000 * (look - 1), rows: [rowOf(good, failed)]};
    const [more, moreFailed] = traffic(look);
    [good, failed] = [good + more, failed + moreFailed];
    const [next, found] = noteHandshakes(history, before, {atMs: 2000 * look, rows: [rowOf(good, failed)]}, 60_000);
    history = next;
    if (found.length > 0) told.push(look);
  }
  const [first, last] = [told[0], told.at(-1)];
  if (first === undefined || last === undefined) return 'never';
  assert.equal(told.length, last - first + 1, `told at ${told.join()}`);
  return last === looks ? `${first}-` : `${first}-${last}`;
}

/** A probe every 10 s. */
const probe = (look: number): number => (look % 5 === 0 ? 1 : 0);

/** A frontend that is looked at after so much traffic each, and what is told of it then. */
function open(rowsOf: (...counted: Traffic) => readonly Row[] = (...counted) => [frontend(...counted)]) {
  let history: HandshakeHistory = new Map();
  let before = {atMs: 0, rows: rowsOf(100, 100)};
  let [good, failed] = [100, 100];
  return ([more, moreFailed]: Traffic, afterMs = 2000): readonly FailedHandshakes[] => {
    [good, failed] = [good + more, failed + moreFailed];
    const look = {atMs: before.atMs + afterMs, rows: rowsOf(good, failed)};
    const [next, found] = noteHandshakes(history, before, look, 60_000);
    [history, before] = [next, look];
    return found;
  };
}

describe('TLS handshakes that fail', () => {
  test('ten of eleven at two looks -> told of all eleven, since before the first of the two', () => {
    const look = open();
    look([10, 0]);
    look([0, 0], 60_000);
    assert.deepEqual(look([1, 5]), []);
    assert.deepEqual(look([0, 5]), [{name: 'web', percent: 91, handshakes: 11, beganMs: 62_000}]);
  });

  for (const [name, usual, then, isTold] of [
    ['ten went well, ten fail', [10, 0], [0, 10], true],
    ['nine went well, ten fail', [9, 0], [0, 10], false],
    ['ten went well, nine fail', [10, 0], [0, 9], false],
    ['half as many go well as did, nine of ten fail', [20, 0], [10, 90], false],
    ['fewer than half as many go well as did, nine of ten fail', [20, 0], [9, 90], true],
    ['eighteen of twenty fail', [10, 0], [2, 18], true],
    ['fewer than nine of ten fail', [10, 0], [3, 26], false],
    ['three failed when all was well, and twelve do', [10, 3], [0, 12], true],
    ['three failed when all was well, and eleven do', [10, 3], [0, 11], false],
    ['a third failed when all was well', [10, 5], [0, 16], true],
    ['45 % failed before', [11, 9], [0, 50], false],
    ['half of them failed before', [10, 10], [0, 50], false],
    ['all fail at the first look', [0, 0], [0, 10], false],
  ] as const) {
    test(`${name} -> ${isTold ? 'told' : 'not told'}`, () => {
      const look = open();
      if (usual[0] > 0) look(usual);
      assert.equal(look(then, 60_000).length > 0, isTold);
    });
  }

  for (const [afterMs, isTold] of [
    [600_000, true],
    [600_001, false],
  ] as const) {
    test(`they fail ${afterMs} ms after the last look at which all was well -> ${isTold ? 'told' : 'not told'}`, () => {
      const look = open();
      look([10, 0]);
      assert.equal(look([0, 10], afterMs).length > 0, isTold);
    });
  }

  test('a few fail since some minutes -> usual once that was learnt twice, five minutes each', () => {
    for (const [minutes, isTold] of [
      [11, true],
      [12, false],
    ] as const) {
      const look = open();
      look([10, 0]);
      for (let minute = 1; minute <= minutes; minute += 1) look([10, 4], 60_000);
      assert.equal(look([0, 10], 60_000).length > 0, isTold, `${minutes} minutes`);
    }
  });

  test('of a `listen` section, whose servers are not spoken to, or refuse all -> told of what clients fail of alone', () => {
    const servers = (good: number, failed: number): Row => ({...frontend(good, failed), type: '1'});
    const clientsFail = open((good, failed) => [frontend(good, failed), servers(0, 0)]);
    clientsFail([10, 0]);
    assert.equal(clientsFail([0, 10], 60_000).length, 1);
    const serversFail = open((good, failed) => [frontend(good + failed, 0), servers(good, failed)]);
    serversFail([10, 0]);
    assert.deepEqual(serversFail([0, 10], 60_000), []);
  });

  test('a frontend with a past that nobody looked at -> that says nothing of how it was', () => {
    const look = open((good, failed) => (good > 100 ? [frontend(good, failed - 100)] : []));
    look([1, 0]);
    assert.deepEqual(look([0, 10], 60_000), []);
  });

  test('all of them from one moment on, with and without probes -> told within a minute, until they go well', () => {
    assert.equal(
      toldAt(100, look => (look < 40 ? [2, 0] : [0, 2])),
      '66-',
    );
    assert.equal(
      toldAt(100, look => (look < 40 ? [2, probe(look)] : [0, 2 + probe(look)])),
      '66-',
    );
    // Clients that fail try again.
    assert.equal(
      toldAt(100, look => (look < 40 ? [2, 0] : [0, 10])),
      '59-',
    );
    assert.equal(
      toldAt(120, look => (look < 40 || look > 80 ? [2, 0] : [0, 2])),
      '66-83',
    );
  });

  test('it is not mended for hours -> told all the time', () => {
    assert.equal(
      toldAt(3000, look => (look < 40 ? [2, 0] : [0, 2])),
      '66-',
    );
  });

  test('clients come no more, probes and scanners do -> not told', () => {
    assert.equal(
      toldAt(900, look => [look < 400 ? 2 : 0, probe(look)]),
      'never',
    );
    assert.equal(
      toldAt(900, look => [look < 400 ? 2 : 0, probe(look) + (look % 7 === 0 ? 1 : 0)]),
      'never',
    );
    // A new one began by day, or comes long after the clients left.
    assert.equal(
      toldAt(900, look => [look < 600 ? 2 : 0, look < 300 ? 0 : probe(look)]),
      'never',
    );
    assert.equal(
      toldAt(1500, look => [look < 300 ? 2 : 0, look < 700 ? 0 : 2]),
      'never',
    );
  });

  test('a scanner beside clients that all get theirs -> not told; clients that try again and again -> told', () => {
    for (const each of [8, 30, 300]) {
      assert.equal(
        toldAt(300, look => [1, look > 100 && look < 140 ? each : 0]),
        'never',
      );
    }
    assert.equal(
      toldAt(300, look => (look < 100 ? [2, 0] : [0, 30])),
      '115-',
    );
  });

  test('none ever went well, few clients, half of them fail -> not told', () => {
    assert.equal(
      toldAt(200, look => [0, 1 + probe(look)]),
      'never',
    );
    assert.equal(
      toldAt(200, look => (look < 100 ? [probe(look), 0] : [0, probe(look)])),
      'never',
    );
    assert.equal(
      toldAt(200, look => (look < 100 ? [2, 0] : [2, 2])),
      'never',
    );
  });

  test('keep-alive, WebSockets, a deploy: hardly any new connections, then many -> not told', () => {
    assert.equal(
      toldAt(300, look => (look % 50 === 0 ? [40, 1] : [0, 0])),
      'never',
    );
  });

  test('without TLS, or a HAProxy that does not count them (1.7) -> not told', () => {
    assert.equal(
      toldAt(
        100,
        look => (look < 40 ? [2, 0] : [0, 2]),
        () => ({pxname: 'web', type: '0'}),
      ),
      'never',
    );
    assert.equal(
      toldAt(100, () => [0, 0]),
      'never',
    );
  });
});
