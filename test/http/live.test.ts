import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {LiveEvent} from '../../src/http/events.ts';
import type {JoinedMember} from '../../src/http/joined-members.ts';
import {openLiveFeed} from '../../src/http/live.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {MEMBER as KNOWN, STATUS} from './status-ports.ts';

const MEMBER: JoinedMember = {...KNOWN, nonce: undefined};

function open() {
  const clock = createFakeClock();
  const published: LiveEvent[] = [];
  const world = {listeners: 1, status: STATUS, members: [MEMBER] as readonly JoinedMember[], refreshed: 0};
  const feed = openLiveFeed({
    clock,
    stream: {
      publish: event => published.push(event),
      get listeners() {
        return world.listeners;
      },
      serve: () => {},
      close: () => {},
    },
    status: () => world.status,
    members: () => world.members,
    refresh() {
      world.refreshed += 1;
    },
  });
  const told = (name: string) => published.splice(0).flatMap(event => (event.name === name ? [event.value] : []));
  return {clock, feed, world, published, told};
}

const {payload: _payload, nonce: _nonce, key: _key, ...SHOWN} = MEMBER;
const {hosts: _hosts, ...BRIEF} = STATUS;

describe('live events', () => {
  test('a new listener -> the status without its hosts, and everybody without payload and key', () => {
    assert.deepEqual(open().feed.greeting(), [
      {name: 'status', value: BRIEF},
      {name: 'members', value: {all: true, changed: [SHOWN], gone: []}},
    ]);
  });

  test('the first listener was greeted -> what it was told is no news, nor are durations', async () => {
    const {clock, feed, world, published} = open();
    world.listeners = 0;
    feed.greeting();
    world.listeners = 1;
    const {lifecycle} = STATUS;
    world.status = {...STATUS, uptimeMs: STATUS.uptimeMs + 1000, lifecycle: {...lifecycle, sinceMs: 77_777}};
    world.members = [{...MEMBER, servers: MEMBER.servers?.map(one => ({...one, sinceMs: 77_777})) ?? null}];
    await clock.advance(1000);
    assert.deepEqual([published, world.refreshed], [[], 1]);
  });

  test('a second listener comes -> what changed meanwhile is still news to the first', async () => {
    const {clock, feed, world, told} = open();
    await clock.advance(1000);
    told('status');
    world.status = {...STATUS, ready: !STATUS.ready};
    feed.greeting();
    await clock.advance(1000);
    assert.deepEqual(told('status'), [{...BRIEF, ready: !STATUS.ready}]);
  });

  test('members are heard, come and go -> those alone, at the next second', async () => {
    const {clock, world, told} = open();
    await clock.advance(1000);
    told('members');
    await clock.advance(1000);
    assert.deepEqual(told('members'), []);
    const other = {...MEMBER, ip: '10.0.0.99'};
    world.members = [MEMBER, other];
    await clock.advance(999);
    assert.deepEqual(told('members'), []);
    await clock.advance(1);
    assert.deepEqual(told('members'), [{all: false, changed: [{...SHOWN, ip: '10.0.0.99'}], gone: []}]);
    world.members = [{...MEMBER, lastSeenAt: MEMBER.lastSeenAt + 1}];
    await clock.advance(1000);
    assert.deepEqual(told('members'), [
      {all: false, changed: [{...SHOWN, lastSeenAt: MEMBER.lastSeenAt + 1}], gone: ['10.0.0.99']},
    ]);
    world.members = [];
    await clock.advance(1000);
    assert.deepEqual(told('members'), [{all: false, changed: [], gone: [MEMBER.ip]}]);
  });

  test('something just happened -> told in a tenth of a second, then every second again', async () => {
    const {clock, feed, world, told} = open();
    await clock.advance(1000);
    told('status');
    world.status = {...STATUS, memberCount: 77};
    feed.poke();
    await clock.advance(99);
    assert.equal(told('status').length, 0);
    await clock.advance(1);
    assert.equal(told('status').length, 1);
    world.status = {...STATUS, memberCount: 78};
    await clock.advance(999);
    assert.equal(told('status').length, 0);
    await clock.advance(1);
    assert.equal(told('status').length, 1);
  });

  test('something happens all the time -> told all the time', async () => {
    const {clock, feed, world, told} = open();
    for (let tenth = 1; tenth <= 3; tenth += 1) {
      world.status = {...STATUS, memberCount: 77 + tenth};
      feed.poke();
      await clock.advance(50);
      feed.poke();
      await clock.advance(50);
      assert.equal(told('status').length, 1);
    }
  });

  test('nobody listens -> nothing is told, poked or not, and nothing once it is closed', async () => {
    const {clock, feed, world, published} = open();
    world.listeners = 0;
    feed.poke();
    await clock.advance(3000);
    world.listeners = 1;
    feed.close();
    await clock.advance(3000);
    assert.deepEqual([published, world.refreshed], [[], 0]);
  });
});
