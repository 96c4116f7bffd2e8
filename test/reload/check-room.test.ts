import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveDifference} from '../../src/proxy/difference.ts';
import {countCheckedAdds, findRoomDoubt} from '../../src/reload/check-room.ts';

const ask = (limit: number) => async () => `Pid: 7\nMaxsock: ${limit}`;

describe('room for the checks of servers that come', () => {
  test('a share of the limit of open files -> no doubt', async () => {
    assert.equal(await findRoomDoubt(ask(68), '/s', 4), undefined);
  });
  test('more than that share -> a reload, which raises the limit', async () => {
    assert.match((await findRoomDoubt(ask(68), '/s', 5)) ?? '', /^the limit of 68 open files, fixed at the start, /);
  });
  test('servers without checks -> not counted', () => {
    const text = (servers: string) => `backend b\n${servers}`;
    const after = text(' server a 10.0.0.1:80 check\n server b 10.0.0.2:80\n server c 10.0.0.3:80 cookie check\n');
    const difference = deriveDifference(text(''), after, {release: 3.0});
    assert.equal(difference.is === 'runtime' && countCheckedAdds(difference.changes), 1);
  });
});
