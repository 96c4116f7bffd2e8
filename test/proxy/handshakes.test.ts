import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Row} from '../../src/proxy/answers.ts';
import {type HandshakeHistory, noteHandshakes} from '../../src/proxy/handshakes.ts';

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

describe('TLS handshakes that fail', () => {
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
