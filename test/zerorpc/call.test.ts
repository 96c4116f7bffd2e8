import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {encode} from '@msgpack/msgpack';
import {readEvent} from '../../src/zerorpc/call.ts';

const LONGEST_ID = 'x'.repeat(256);
const called = (id: string, args: readonly unknown[]) => readEvent(encode([{message_id: id}, 'ping', args]));

describe('an event of ZeroRPC', () => {
  test('an id of 256 characters, 64 arguments -> a call; one more of either, an empty id -> a fault', () => {
    const most = Array.from({length: 64}, () => 'a');
    assert.deepEqual(called(LONGEST_ID, most), {is: 'call', id: LONGEST_ID, name: 'ping', args: most});
    for (const id of ['', `${LONGEST_ID}x`]) {
      assert.deepEqual(called(id, []), {is: 'fault', why: 'its header has no message_id'});
    }
    const {is} = called('a', [...most, 'a']);
    assert.equal(is, 'fault');
  });

  test('a header that is no map -> a fault that says so', () => {
    for (const header of [null, 1, 'message_id']) {
      assert.deepEqual(readEvent(encode([header, 'ping', []])), {is: 'fault', why: 'its header is no map'});
    }
  });
});
