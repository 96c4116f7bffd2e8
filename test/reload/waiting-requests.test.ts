import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveDifference} from '../../src/proxy/difference.ts';
import {findWaitingDoubt} from '../../src/reload/waiting-requests.ts';

const textOf = (servers: readonly string[]): string =>
  `backend web\n${servers.map(server => `  server ${server}\n`).join('')}`;

/** So many requests wait for each of them. */
interface Waiting {
  readonly web?: number;
  readonly a?: number;
  readonly b?: number;
}

/** What is said of a change from some lines of the backend to others, and what was asked. */
async function doubtOf(
  before: readonly string[],
  after: readonly string[],
  {web = 0, a = 0, b = 0}: Waiting,
  bIs = 'UP',
) {
  const difference = deriveDifference(textOf(before), textOf(after), {release: 2.6});
  assert.equal(difference.is, 'runtime');
  const asked: string[] = [];
  const ask = async (_: string, command: string) => {
    asked.push(command);
    return `# pxname,svname,qcur,status,weight,\nother,BACKEND,9,UP,1,\nweb,a,${a},UP,1,\nweb,b,${b},${bIs},1,\nweb,BACKEND,${web},UP,1,`;
  };
  return {doubt: await findWaitingDoubt(ask, '/run/1.sock', difference.changes), asked};
}

const A = 'a 10.0.0.1:80 maxconn 10';
const B = 'b 10.0.0.2:80 maxconn 10';
const C = 'c 10.0.0.3:80 maxconn 10';

describe('a server goes while requests wait', () => {
  for (const [name, after, waiting] of [
    ['none do', [B], {}],
    ['for any of the backend, which another one serves', [B], {web: 3}],
    ['for another one', [B], {b: 3}],
    ['for any of the backend, and another one comes', [C], {web: 3}],
    ['for any of the backend, and the other one gets another weight', [`${A} disabled`, `${B} weight 2`], {web: 3}],
  ] as const) {
    test(`${name} -> told`, async () => {
      assert.equal((await doubtOf([A, B], after, waiting)).doubt, undefined);
    });
  }

  for (const [name, after] of [
    ['it is removed', [B]],
    ['it is disabled', [`${A} disabled`, B]],
    ['it gets no weight any more', [`${A} weight 0`, B]],
  ] as const) {
    test(`${name}, and they wait for it -> a reload, which leaves a process that serves them`, async () => {
      assert.equal(
        (await doubtOf([A, B], after, {a: 2})).doubt,
        '2 requests wait for web/a, and would be sent elsewhere or turned away',
      );
    });
  }

  for (const [name, after, bIs] of [
    ['all are removed', [], 'UP'],
    ['all are disabled', [`${A} disabled`, `${B} disabled`], 'UP'],
    ['the other one is down', [B], 'DOWN'],
    ['the other one is in maintenance', [B], 'MAINT'],
  ] as const) {
    test(`${name}, and they wait for any -> a reload`, async () => {
      assert.equal(
        (await doubtOf([A, B], after, {web: 2}, bIs)).doubt,
        '2 requests wait for web, and would be sent elsewhere or turned away',
      );
    });
  }

  for (const [name, before, after] of [
    ['it has no limit', ['a 10.0.0.1:80', B], [B]],
    ['it only moves', [A, B], ['a 10.0.0.9:80 maxconn 10', B]],
    ['one comes', [A], [A, B]],
  ] as const) {
    test(`${name} -> nothing is asked`, async () => {
      assert.deepEqual(await doubtOf(before, after, {web: 1, a: 1}), {doubt: undefined, asked: []});
    });
  }
});
