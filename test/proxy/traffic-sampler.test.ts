import assert from 'node:assert/strict';
import {test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {openLog} from '../../src/ports/log.ts';
import {openTrafficSampler} from '../../src/proxy/traffic-sampler.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {takeUnhandled} from '../support/unhandled.ts';

function open() {
  const clock = createFakeClock();
  const {log} = openLog('error', {write() {}});
  const state = {requests: 100, deaths: 0, fault: undefined as Error | undefined};
  const sampler = openTrafficSampler({
    clock,
    log,
    readInfo: async () => new Map(),
    async readRows() {
      if (state.fault !== undefined) throw state.fault;
      return [{pxname: 'web', type: '0', status: 'OPEN', req_tot: String(state.requests)}];
    },
    readServers: async () => [],
    deaths: () => state.deaths,
    onLook() {},
    onSample() {},
  });
  const look = async () => {
    state.requests += 20;
    await clock.advance(2000);
    return sampler.traffic.samples.map(({requestsPerSecond}) => requestsPerSecond);
  };
  return {state, look, statuses: () => sampler.traffic.proxies.map(({status}) => status)};
}

test('traffic, the first look -> no sample; the next one -> the rate between them', async () => {
  const {look} = open();
  assert.deepEqual(await look(), []);
  assert.deepEqual(await look(), [10]);
});

test('traffic, HAProxy does not answer -> a gap, and no state is known, until two looks have succeeded', async () => {
  const {state, look, statuses} = open();
  await look();
  await look();
  assert.deepEqual(statuses(), ['OPEN']);
  state.fault = new DaemonError('PROXY', 'cannot ask');
  assert.deepEqual(await look(), [10]);
  assert.deepEqual(statuses(), ['unknown']);
  state.fault = undefined;
  assert.deepEqual(await look(), [10]);
  assert.deepEqual(await look(), [10, 10]);
  assert.deepEqual(statuses(), ['OPEN']);
});

test('traffic, HAProxy died between two looks -> a gap, no rate of which a part is unknown', async () => {
  const {state, look} = open();
  await look();
  await look();
  state.deaths = 1;
  assert.deepEqual(await look(), [10]);
  assert.deepEqual(await look(), [10, 10]);
});

test('traffic, a bug in a look -> fatal', async () => {
  using unhandled = takeUnhandled();
  const {state, look} = open();
  state.fault = new TypeError('a bug');
  await look();
  await new Promise(setImmediate);
  assert.deepEqual(unhandled.errors, [state.fault]);
});
