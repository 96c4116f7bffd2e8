import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveDifference} from '../../src/proxy/difference.ts';
import {findLimitDoubt} from '../../src/reload/limit-room.ts';

const textOf = (server: string): string => `backend web\n  server a ${server}\n`;

/** What is said of a change from one line of web/a to another one, while so many requests are under way; and what was asked. */
async function doubtOf(before: string, after: string, sessions: number, waiting = 0) {
  const difference = deriveDifference(textOf(before), textOf(after), {release: 2.6});
  assert.equal(difference.is, 'runtime');
  const asked: string[] = [];
  const ask = async (_: string, command: string) => {
    asked.push(command);
    return `# pxname,svname,qcur,scur,slim,\nweb,a,${waiting},${sessions},10,\nother,a,9,99,10,`;
  };
  return {doubt: await findLimitDoubt(ask, '/run/1.sock', difference.changes), asked};
}

describe('a server moves while requests are under way', () => {
  for (const [name, options, sessions, limit] of [
    ['none is', 'maxconn 10', 0, undefined],
    ['a tenth of its limit', 'maxconn 10', 1, undefined],
    ['more of its limit', 'maxconn 10', 2, 10],
    ['the only one that it may have', 'maxconn 1', 1, 1],
    ['more of a limit that HAProxy reads as a number', 'maxconn 10x', 2, 10],
    ['more of what its limit grows from', 'minconn 10 maxconn 1000', 2, 10],
    ['more of what others have', 'maxconn 1000', 2, undefined],
  ] as const) {
    test(`${name} -> ${limit === undefined ? 'told' : 'a reload, which counts from nought'}`, async () => {
      const {doubt} = await doubtOf(`10.0.0.1:80 ${options}`, `10.0.0.2:80 ${options}`, sessions);
      assert.equal(
        doubt,
        limit === undefined
          ? undefined
          : `web/a has ${sessions} requests under way, which would count against its limit of ${limit} at another address`,
      );
    });
  }

  for (const [name, sessions, waiting, room] of [
    ['has room', 9, 0, true],
    ['has no room', 10, 0, false],
    ['has some that wait', 9, 1, false],
  ] as const) {
    test(`it goes, and ${name} -> ${room ? 'told' : 'a reload, since who waits would be sent where it goes'}`, async () => {
      const going = await doubtOf('10.0.0.1:80 maxconn 10', '192.0.2.1:80 maxconn 10 disabled', sessions, waiting);
      assert.equal(
        going.doubt,
        room
          ? undefined
          : `web/a has ${sessions} requests under way, and those that wait for its limit of 10 would be sent to another address`,
      );
    });
  }

  for (const [name, before, after] of [
    ['without a limit', '10.0.0.1:80', '10.0.0.2:80'],
    ['with "maxconn 0"', '10.0.0.1:80 maxconn 0', '10.0.0.2:80 maxconn 0'],
    ['it only weighs more', '10.0.0.1:80 maxconn 10', '10.0.0.1:80 maxconn 10 weight 2'],
    ['it was disabled, and is', '10.0.0.1:80 maxconn 10 disabled', '10.0.0.2:80 maxconn 10 disabled'],
  ] as const) {
    test(`${name} -> nothing is asked`, async () => {
      assert.deepEqual(await doubtOf(before, after, 9), {doubt: undefined, asked: []});
    });
  }
});
