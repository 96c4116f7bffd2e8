import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Row} from '../../src/proxy/answers.ts';
import {type Counted, countErrors, findErrorShares} from '../../src/proxy/error-shares.ts';
import {type MeantErrors, NONE_MEANT} from '../../src/proxy/meant-errors.ts';

const BOUND = {percent: 10, windowMs: 60_000};

const http = (name: string, good: number, errors: number): Row => ({
  ...{pxname: name, type: '1', stot: String(good + errors), econ: String(errors)},
  ...{hrsp_1xx: '0', hrsp_2xx: String(good), hrsp_3xx: '0', hrsp_4xx: '0', hrsp_5xx: String(errors), hrsp_other: '0'},
});
const front = (name: string, requests: number, errors: number): Row => ({
  ...{pxname: name, type: '0', req_tot: String(requests), hrsp_5xx: String(errors)},
});
const tcp = (name: string, sessions: number, failed: number): Row => ({
  ...{pxname: name, type: '1', stot: String(sessions), econ: String(failed), hrsp_5xx: ''},
});

/** What is told of one look over the whole time. */
const told = (rows: readonly Row[], meant: MeantErrors = NONE_MEANT): string[] => {
  const counted = countErrors({atMs: 0, rows: []}, {atMs: 60_000, rows});
  return findErrorShares(counted, BOUND, meant).map(
    ({of, name, percent, requests}) => `${of} ${name} ${percent} ${requests}`,
  );
};

describe('shares of errors', () => {
  test('one backend of many behind a frontend fails -> told of it', () => {
    assert.deepEqual(told([front('all', 500, 40), http('good', 460, 0), http('bad', 0, 40)]), ['backend bad 100 40']);
  });

  test("a frontend's errors are those of its backend -> one line; a backend that fails more -> its own", () => {
    assert.deepEqual(told([front('web', 50, 40), http('app', 10, 40)]), ['frontend web 80 50']);
    assert.deepEqual(told([front('web', 50, 40), http('app', 10, 41)]), ['frontend web 80 50', 'backend app 80 51']);
    // A `listen` section is both.
    assert.deepEqual(told([front('web', 50, 40), http('web', 10, 41)]), ['frontend web 80 50']);
  });

  test('a maintenance page -> nothing of it, nor of the frontend before it; other errors there are told', () => {
    const meant = {of: new Set(['maint']), leadsTo: (name: string) => name === 'web'};
    const page = http('maint', 0, 50);
    assert.deepEqual(told([front('web', 50, 50), page], meant), []);
    assert.deepEqual(told([front('maint', 50, 50)], meant), []);
    assert.deepEqual(told([front('web', 100, 70), page], meant), ['frontend web 40 50']);
    assert.deepEqual(told([front('web', 110, 70), page, http('app', 40, 20)], meant), ['frontend web 33 60']);
    // A `listen` section that sends some there: what its own servers answered is theirs.
    assert.deepEqual(told([front('web', 1000, 90), page, http('web', 50, 40)], meant), ['backend web 44 90']);
    // It sends nothing there.
    assert.deepEqual(told([front('other', 50, 40), page], meant), ['frontend other 80 50']);
    // Servers of it that nobody reaches, and clients that give up, are nothing that anybody wants.
    assert.deepEqual(told([tcp('maint', 20, 16)], meant), ['connections maint 80 20']);
  });

  test('connections that fail where HAProxy speaks no HTTP -> told; those of clients that left -> not', () => {
    assert.deepEqual(told([tcp('db', 20, 16)]), ['connections db 80 20']);
    assert.deepEqual(told([tcp('db', 20, 2)]), []);
    const reset = (bytes: number) => ({...tcp('db', 20, 0), eresp: '20', bout: String(bytes)});
    assert.deepEqual(told([reset(0)]), ['connections db 100 20']);
    assert.deepEqual(told([reset(1)]), []);
  });

  test('clients give up on a backend before it answers anything -> told; now and then, or of downloads -> not', () => {
    const left = (good: number, unanswered: number, aborted: number): Row => ({
      ...http('app', good, 0),
      ...{hrsp_4xx: String(unanswered), cli_abrt: String(aborted)},
    });
    assert.deepEqual(told([left(0, 35, 35)]), ['given-up app 100 35']);
    assert.deepEqual(told([left(2, 33, 34)]), ['given-up app 94 35']);
    assert.deepEqual(told([left(9, 91, 91)]), ['given-up app 91 100']);
    assert.deepEqual(told([left(10, 90, 90)]), []);
    assert.deepEqual(told([left(5, 30, 30)]), []);
    // Downloads that are broken off were answered, and clients that ask for the wrong thing wait for what they are told.
    assert.deepEqual(told([left(40, 0, 40)]), []);
    assert.deepEqual(told([left(0, 40, 1)]), []);
  });

  /** What is told of looks every 2 s over a minute, before each of which a backend counted so much more. */
  const toldOver = (
    grownBefore: (look: number) => Readonly<Record<string, number>>,
    {meant = NONE_MEANT, first = http('app', 0, 0)} = {},
  ): string[] => {
    let row: Row = first;
    const counted = Array.from({length: 30}, (_, look) => {
      const before = {atMs: 2000 * look, rows: [row]};
      const grown = Object.entries(grownBefore(look)).map(([field, more]) => [
        field,
        `${(Number(row[field]) || 0) + more}`,
      ]);
      row = {...row, ...Object.fromEntries(grown)};
      return countErrors(before, {atMs: 2000 * (look + 1), rows: [row]});
    }).flat();
    return findErrorShares(counted, BOUND, meant).map(
      ({of, name, percent, requests}) => `${of} ${name} ${percent} ${requests}`,
    );
  };
  const cutOff = (answers: number, cut: number) => ({hrsp_2xx: answers, srv_abrt: cut, eresp: cut});

  test('servers cut answers off half-way, again and again -> told, with WebSockets beside them too', () => {
    assert.deepEqual(
      toldOver(() => cutOff(5, 1)),
      ['cut app 20 150'],
    );
    assert.deepEqual(
      toldOver(look => (look % 2 === 0 ? cutOff(1, 1) : {})),
      ['cut app 100 15'],
    );
    assert.deepEqual(
      toldOver(() => ({...cutOff(5, 3), hrsp_1xx: 1})),
      ['cut app 33 180'],
    );
    assert.deepEqual(
      toldOver(() => cutOff(20, 2)),
      [],
    );
    assert.deepEqual(
      toldOver(() => cutOff(5, 5), {meant: {of: new Set(['app']), leadsTo: () => false}}),
      [],
    );
  });

  test('a database that ends connections by a reset, again and again -> not told', () => {
    assert.deepEqual(
      toldOver(() => ({stot: 5, bout: 100, srv_abrt: 5, eresp: 5}), {first: tcp('db', 0, 0)}),
      [],
    );
  });

  test('a rolling deploy cuts all streams of a pod off, ten times in a minute -> not told', () => {
    assert.deepEqual(
      toldOver(look => (look % 3 === 0 ? cutOff(50, 50) : {hrsp_2xx: 1})),
      [],
    );
    assert.deepEqual(
      toldOver(look => (look % 3 === 0 ? cutOff(50, 50) : {})),
      [],
    );
  });

  test('streams run into a time limit, answers end with their connection (1.7), WebSockets by a reset -> not told', () => {
    assert.deepEqual(
      toldOver(() => ({hrsp_2xx: 2, srv_abrt: 2})),
      [],
    );
    assert.deepEqual(
      toldOver(() => ({hrsp_1xx: 3, srv_abrt: 3, eresp: 3})),
      [],
    );
    // Downloads and server-sent events that clients leave.
    assert.deepEqual(
      toldOver(() => ({hrsp_2xx: 3, cli_abrt: 3})),
      [],
    );
  });

  test('a maintenance page over a minute -> nothing at any look', () => {
    const looks = Array.from({length: 30}, (_, look): Counted[] => {
      const answered = {fromMs: 2000 * look, atMs: 2000 * (look + 1), requests: 5, errors: 5};
      return [
        {...answered, of: 'frontend', name: 'web'},
        {...answered, of: 'backend', name: 'maint'},
      ];
    });
    assert.deepEqual(findErrorShares(looks.flat(), BOUND, {of: new Set(['maint']), leadsTo: () => true}), []);
  });

  test('backends fail behind a frontend that fails with them -> told once, of the frontend, with their names', () => {
    const one = (of: 'frontend' | 'backend', name: string, requests: number, errors: number): Counted => ({
      ...{of, name, fromMs: 0, atMs: 30_000, requests, errors},
    });
    const namesOf = (...counted: Counted[]) =>
      findErrorShares(counted, BOUND).map(({of, name, backends}) => [of, name, backends]);
    const [shop, api, well] = [
      one('backend', 'shop', 40, 30),
      one('backend', 'api', 20, 20),
      one('backend', 'well', 40, 1),
    ];
    assert.deepEqual(namesOf(one('frontend', 'web', 100, 51), shop, api, well), [['frontend', 'web', ['shop', 'api']]]);
    assert.deepEqual(namesOf(one('frontend', 'web', 1000, 51), shop), [['backend', 'shop', undefined]]);
    // A `listen` section is both.
    assert.deepEqual(namesOf(one('frontend', 'shop', 40, 30), shop), [['frontend', 'shop', undefined]]);
    // What its clients give up on is no answer of a frontend's.
    const givenUp = {...shop, of: 'given-up', errors: 39} as const;
    assert.deepEqual(namesOf(one('frontend', 'web', 100, 51), givenUp), [
      ['frontend', 'web', undefined],
      ['given-up', 'shop', undefined],
    ]);
  });

  test('few errors, then many -> since the first look that had too many', () => {
    const sinceOf = (...looks: readonly (readonly [requests: number, errors: number])[]) =>
      findErrorShares(
        looks.map(([requests, errors], look) => ({
          ...{of: 'frontend', name: 'web', fromMs: 2000 * look, atMs: 2000 * (look + 1), requests, errors},
        })),
        BOUND,
      ).map(({beganMs}) => beganMs);
    assert.deepEqual(sinceOf([10, 0], [10, 1], [10, 10], [10, 10]), [4000]);
    assert.deepEqual(sinceOf([10, 0], [10, 2], [10, 0], [10, 10]), [2000]);
    assert.deepEqual(sinceOf([10, 5]), [0]);
  });

  test('nothing for a while, then three at once, all of which fail -> not told yet', () => {
    assert.deepEqual(
      toldOver(look => (look === 29 ? {hrsp_5xx: 3} : {})),
      [],
    );
  });

  test('fewer than ten, all of them failed for half of the time -> told; not all, not so long, or two -> not', () => {
    const sparse = (count: number, errors: number, fromMs = 0, atMs = 30_000): Counted => ({
      ...{of: 'frontend', name: 'web', fromMs, atMs, requests: count, errors},
    });
    const found = (...counted: Counted[]) => findErrorShares(counted, BOUND).length;
    assert.equal(found(sparse(3, 3)), 1);
    assert.equal(found(sparse(2, 2, 0, 2000), sparse(1, 1, 28_000, 30_000)), 1);
    assert.equal(found(sparse(10, 8)), 1);
    assert.equal(found(sparse(9, 8)), 0);
    assert.equal(found(sparse(3, 3, 1)), 0);
    assert.equal(found(sparse(2, 2)), 0);
  });
});
