import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Api, ApiRequest, Query, WatchEvent} from '../../src/kubernetes/api.ts';
import {ApiFault} from '../../src/kubernetes/api-fault.ts';
import {openReflector, type Subject} from '../../src/kubernetes/reflector.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {createRecordingLog} from './recording-log.ts';

const pod = (name: string, resourceVersion: string) => ({metadata: {name, namespace: 'x', resourceVersion}});

interface Watching {
  readonly query: Query;
  readonly tell: (event: WatchEvent) => void;
  readonly end: (fault?: ApiFault) => void;
}

const whole = () => ({items: [pod('a', '1')], metadata: {resourceVersion: '10'}});

/** An API that a test plays by hand; `first` is its first answer. */
function openStage(first: () => unknown = whole, subject: Partial<Subject> = {}) {
  const clock = createFakeClock();
  const {log, lines} = createRecordingLog();
  const requests: ApiRequest[] = [];
  const watches: Watching[] = [];
  const told: string[] = [];
  let answer = first;
  const api: Api = {
    async request(request) {
      requests.push(request);
      return answer();
    },
    watch: (_path, query, onEvent, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => resolve());
        watches.push({query, tell: onEvent, end: fault => (fault === undefined ? resolve() : reject(fault))});
      }),
  };
  const nameOf = (object: unknown) => (object as ReturnType<typeof pod>).metadata.name;
  const reflection = openReflector(
    {what: 'pods', path: '/api/v1/pods', ...subject},
    {
      replace: objects => told.push(`= ${objects.map(nameOf).join(' ')}`),
      upsert: object => told.push(`+ ${nameOf(object)}`),
      remove: object => told.push(`- ${nameOf(object)}`),
    },
    {api, clock, log, random: () => 1},
  );
  return {
    clock,
    lines,
    requests,
    watches,
    told,
    reflection,
    answers: (next: () => unknown) => {
      answer = next;
    },
  };
}

const refuse = (status: number | undefined) => () => {
  throw new ApiFault(status, `${status} refused`);
};

describe('reflector', () => {
  test('a list and its changes -> told in order; a watch that ends goes on from the last version', async () => {
    const {clock, watches, told, requests} = openStage();
    await clock.advance(0);
    assert.deepEqual(told, ['= a']);
    assert.equal(watches[0]?.query.resourceVersion, '10');
    watches[0]?.tell({type: 'ADDED', object: pod('b', '11')});
    watches[0]?.tell({type: 'DELETED', object: pod('a', '12')});
    watches[0]?.tell({type: 'BOOKMARK', object: {metadata: {resourceVersion: '20'}}});
    await clock.advance(10_000);
    watches[0]?.end();
    await clock.advance(0);
    assert.deepEqual(told, ['= a', '+ b', '- a']);
    assert.equal(watches[1]?.query.resourceVersion, '20');
    assert.equal(requests.length, 1);
  });

  test('410 Gone -> the whole set anew, at once; nothing is missed', async () => {
    const {clock, watches, told, answers} = openStage();
    await clock.advance(0);
    answers(() => ({items: [pod('c', '30')], metadata: {resourceVersion: '31'}}));
    watches[0]?.end(new ApiFault(410, 'too old resource version'));
    await clock.advance(0);
    assert.deepEqual(told, ['= a', '= c']);
    assert.equal(watches[1]?.query.resourceVersion, '31');
  });

  test('one object older than all that the server remembers -> watched from what is there; no loop', async () => {
    const {clock, watches, told, requests} = openStage(() => pod('tls', '1'), {name: 'tls'});
    await clock.advance(0);
    assert.equal(watches[0]?.query.resourceVersion, '1');
    watches[0]?.end(new ApiFault(410, 'too old resource version'));
    await clock.advance(0);
    assert.equal(watches[1]?.query.resourceVersion, undefined);
    watches[1]?.tell({type: 'ADDED', object: pod('tls', '1')});
    watches[1]?.tell({type: 'MODIFIED', object: pod('tls', '9')});
    assert.deepEqual(told, ['= tls', '= tls', '+ tls', '+ tls']);
    await clock.advance(10_000);
    watches[1]?.end();
    await clock.advance(0);
    assert.deepEqual([requests.length, watches[2]?.query.resourceVersion], [2, '9']);
  });

  test('a server that says 410 to every watch -> asked ever more rarely, though each list works', async () => {
    const {clock, watches, requests} = openStage();
    for (let second = 0; second < 600; second += 1) {
      watches.at(-1)?.end(new ApiFault(410, 'too old resource version'));
      await clock.advance(1000);
    }
    assert.ok(requests.length < 40, `${requests.length} lists in 10 min`);
  });

  test('an outage -> asked ever more rarely, logged once, then told again and logged once', async () => {
    const {clock, watches, told, requests, answers, lines, reflection} = openStage();
    await clock.advance(0);
    answers(refuse(undefined));
    watches[0]?.end(new ApiFault(undefined, 'connect ECONNREFUSED'));
    for (let minute = 0; minute < 60; minute += 1) {
      await clock.advance(60_000);
      watches.at(-1)?.end(new ApiFault(undefined, 'connect ECONNREFUSED'));
    }
    assert.equal(reflection.status.state, 'failing');
    assert.ok(requests.length + watches.length < 140, `${requests.length} requests in an hour`);
    assert.deepEqual(told, ['= a']);
    answers(() => ({items: [pod('d', '50')], metadata: {resourceVersion: '51'}}));
    await clock.advance(30_000);
    assert.deepEqual(told, ['= a', '= d']);
    assert.equal(reflection.status.state, 'watching');
    assert.deepEqual(
      lines.map(({message}) => message),
      ['kubernetes api fails: what is known stays', 'kubernetes api answers again'],
    );
  });

  test('a server that closes every watch at once -> one a second', async () => {
    const {clock, watches} = openStage();
    for (let second = 0; second < 10; second += 1) {
      await clock.advance(1000);
      watches.at(-1)?.end();
    }
    assert.ok(watches.length <= 11, `${watches.length} watches in 10 s`);
  });

  test('garbage in place of a list or an object -> a failure like any other', async () => {
    for (const garbage of [null, 'x', [], {items: 3}, {items: [], metadata: {}}]) {
      const {clock, told, reflection} = openStage(() => garbage);
      await clock.advance(0);
      assert.equal(reflection.status.state, 'failing');
      assert.deepEqual(told, []);
      reflection.close();
    }
    const {clock, watches, told} = openStage();
    await clock.advance(0);
    for (const object of [null, 7, {}, {metadata: null}]) watches[0]?.tell({type: 'ADDED', object});
    assert.deepEqual(told, ['= a']);
  });

  test('one object that is not there -> an empty set, and told when it comes', async () => {
    const {clock, watches, told} = openStage(refuse(404), {name: 'tls'});
    await clock.advance(0);
    assert.deepEqual(told, ['= ']);
    assert.equal(watches[0]?.query.fieldSelector, 'metadata.name=tls');
    assert.equal(watches[0]?.query.resourceVersion, undefined);
    watches[0]?.tell({type: 'ADDED', object: pod('tls', '5')});
    assert.deepEqual(told, ['= ', '+ tls']);
  });

  test('a permission that is missing -> asked for twice a minute', async () => {
    const {clock, requests} = openStage(refuse(403));
    await clock.advance(600_000);
    assert.ok(requests.length <= 21, `${requests.length} requests in 10 min`);
  });

  test('closed -> no request any more', async () => {
    const {clock, requests, watches, reflection} = openStage();
    await clock.advance(0);
    reflection.close();
    await clock.advance(600_000);
    assert.deepEqual([requests.length, watches.length], [1, 1]);
  });
});
