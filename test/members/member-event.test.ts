import assert from 'node:assert/strict';
import {test} from 'node:test';
import {describeEvents, type MemberEvent, verbOf} from '../../src/members/member-event.ts';
import {memberOf} from './fixtures.ts';

const member = memberOf({ip: '10.0.0.1'});

const EVENTS: readonly [MemberEvent, string, string][] = [
  [{is: 'joined', member}, 'joined', 'joined web 10.0.0.1'],
  [{is: 'restored', member}, 'restored', 'restored web 10.0.0.1'],
  [{is: 'changed', member}, 'changed', 'changed web 10.0.0.1'],
  [{is: 'settled', member}, 'settled', 'joined web 10.0.0.1'],
  [{is: 'replaced', member, previous: memberOf({id: 'old'}), alternating: false}, 'replaced', 'replaced web 10.0.0.1'],
  [{is: 'left', member, why: 'down'}, 'left', 'left web 10.0.0.1'],
  [{is: 'left', member, why: 'silent'}, 'expired', 'expired web 10.0.0.1'],
  [{is: 'left', member, why: 'evicted', reason: 'gone'}, 'evicted', 'evicted web 10.0.0.1'],
];

test('events, each kind -> its verb for the log, its cause for people', () => {
  for (const [event, verb, cause] of EVENTS) assert.deepEqual([verbOf(event), describeEvents([event])], [verb, cause]);
});

test('events, several -> the first is named, the others are counted', () => {
  const events = EVENTS.map(([event]) => event);
  assert.equal(describeEvents(events.slice(0, 2)), 'joined web 10.0.0.1 and 1 more');
  // Who settled joined before, and is no further one.
  assert.equal(describeEvents(events), 'joined web 10.0.0.1 and 6 more');
  const settled: MemberEvent = {is: 'settled', member};
  assert.equal(describeEvents([{is: 'joined', member}, settled]), 'joined web 10.0.0.1');
  assert.equal(describeEvents([settled, settled]), 'joined web 10.0.0.1 and 1 more');
});
