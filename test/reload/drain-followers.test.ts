import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {openLog} from '../../src/ports/log.ts';
import {createDrainFollowers} from '../../src/reload/drain-followers.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {takeUnhandled} from '../support/unhandled.ts';

const refused = () => new DaemonError('PROXY', 'cannot go on asking: it is gone');

function open() {
  const clock = createFakeClock();
  const {log} = openLog('error', {write() {}});
  const state = {
    job: 'RUNNING' as 'RUNNING' | 'STOPPING',
    connections: 2,
    count: 5,
    isThere: true,
    closed: 0,
    bug: false,
  };
  const heard: string[] = [];
  const asked: string[] = [];
  const followers = createDrainFollowers({
    clock,
    log,
    onRows: (pid, rows) => void heard.push(`${pid}: ${rows.map(({stot}) => stot).join()}`),
    async converse() {
      if (!state.isThere) throw refused();
      return {
        async ask(command) {
          asked.push(command);
          if (state.bug) throw new TypeError('a planted bug');
          if (!state.isThere) throw refused();
          if (command === 'show info') return `Name: HAProxy\nPid: 17\nCurrConns: ${state.connections}`;
          return `# pxname,svname,type,stot,\nweb,FRONTEND,0,${state.count},`;
        },
        close() {
          state.closed += 1;
          state.isThere = false;
        },
      };
    },
  });
  const leaving = {
    paths: {socket: 's'},
    supervisor: {
      get job() {
        return {is: state.job};
      },
      child: {pid: 17},
    },
  };
  return {clock, state, heard, asked, followers, leaving: [leaving]};
}

describe('followers of drains', () => {
  test('it goes -> heard before, every second, and at its last connection, then let go', async () => {
    const {clock, state, heard, asked, followers, leaving} = open();
    await followers.follow(leaving);
    assert.deepEqual([heard, followers.pids], [['17: 5'], [17]]);
    state.job = 'STOPPING';
    state.count = 6;
    await clock.advance(100);
    assert.deepEqual([heard, followers.connectionsOf(17)], [['17: 5', '17: 6'], undefined]);
    state.count = 7;
    await clock.advance(1000);
    assert.deepEqual([heard, followers.connectionsOf(17)], [['17: 5', '17: 6', '17: 7'], 2]);
    state.connections = 0;
    state.count = 8;
    await clock.advance(1000);
    assert.deepEqual([heard.at(-1), asked.at(-1), followers.pids], ['17: 8', 'show stat', []]);
    assert.deepEqual([state.closed, followers.connectionsOf(17)], [1, undefined]);
  });

  test('it is not told to go after all -> let go', async () => {
    const {clock, heard, followers, leaving} = open();
    await followers.follow(leaving);
    followers.letGo(leaving);
    await clock.advance(5000);
    assert.deepEqual([heard, followers.pids], [['17: 5'], []]);
  });

  test('it does not answer, or dies -> nothing is heard of it any more, and nobody fails', async () => {
    const silent = open();
    silent.state.isThere = false;
    await silent.followers.follow(silent.leaving);
    assert.deepEqual([silent.heard, silent.followers.pids], [[], []]);
    const dead = open();
    await dead.followers.follow(dead.leaving);
    dead.state.isThere = false;
    await dead.clock.advance(100);
    assert.deepEqual([dead.heard, dead.followers.pids], [['17: 5'], []]);
  });

  test('followed already, or not running -> nobody asks it anew', async () => {
    const {asked, followers, leaving, state} = open();
    state.job = 'STOPPING';
    await followers.follow(leaving);
    assert.deepEqual([asked, followers.pids], [[], []]);
    state.job = 'RUNNING';
    await followers.follow(leaving);
    await followers.follow(leaving);
    assert.deepEqual(asked, ['show stat']);
  });

  test('a bug of ours -> is not taken for the silence of a HAProxy', async () => {
    using unhandled = takeUnhandled();
    const {clock, followers, leaving, state} = open();
    await followers.follow(leaving);
    state.bug = true;
    await clock.advance(100);
    assert.deepEqual(unhandled.errors.map(String), ['TypeError: a planted bug']);
    state.isThere = true;
    await assert.rejects(followers.follow(leaving), TypeError);
  });

  test('the daemon stops -> all are let go', async () => {
    const {followers, leaving, state} = open();
    await followers.follow(leaving);
    followers.close();
    assert.deepEqual([followers.pids, state.closed], [[], 1]);
  });
});
