import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Api, WatchEvent} from '../../src/kubernetes/api.ts';
import {ApiFault} from '../../src/kubernetes/api-fault.ts';
import {openPodDirectory} from '../../src/kubernetes/pod-directory.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {createRecordingLog} from './recording-log.ts';

const podOf = (name: string, namespace: string, ip: string | undefined, more: object = {}) => ({
  metadata: {name, namespace, labels: {app: 'web'}, resourceVersion: '1', ...more},
  status: ip === undefined ? {} : {podIP: ip, podIPs: [{ip}, {ip: 'fd00::1'}]},
});
const claimOf = (id: string, ip: string, fields: object = {}) => ({id, ip, app: 'web', down: false, ...fields});

async function openStage(namespaces: readonly string[], answer: (path: string) => unknown) {
  const clock = createFakeClock();
  const tellers: ((event: WatchEvent) => void)[] = [];
  let end: (fault: ApiFault) => void = () => {};
  let changes = 0;
  const api: Api = {
    request: async ({path}) => answer(path),
    watch: (_path, _query, onEvent) => {
      tellers.push(onEvent);
      return new Promise((_resolve, reject) => {
        end = reject;
      });
    },
  };
  const directory = openPodDirectory(namespaces, {
    api,
    clock,
    log: createRecordingLog().log,
  });
  directory.changes.follow(() => changes++);
  await clock.advance(0);
  return {
    clock,
    directory,
    tell: (event: WatchEvent) => tellers[0]?.(event),
    fail: () => end(new ApiFault(undefined, 'x')),
    changes: () => changes,
  };
}

const listOf = (...items: object[]) => ({items, metadata: {resourceVersion: '5'}});

describe('pod directory', () => {
  test('claims -> believed when name, one of the addresses and label are those of a living pod', async () => {
    const {directory, tell} = await openStage(['x'], () =>
      listOf(podOf('a', 'x', '10.0.0.1'), podOf('new', 'x', undefined)),
    );
    const believe = (id: string, ip: string, fields?: object) => directory.believe(claimOf(id, ip, fields)).is;
    assert.equal(believe('a', '10.0.0.1'), 'real');
    assert.equal(believe('a', 'fd00::1'), 'real');
    assert.equal(believe('a', '10.0.0.2'), 'unreal');
    assert.equal(believe('a', '10.0.0.1', {app: 'api'}), 'unreal');
    assert.equal(believe('b', '10.0.0.1'), 'unreal');
    assert.equal(believe('new', '10.0.0.3'), 'unreal');
    tell({type: 'MODIFIED', object: podOf('a', 'x', '10.0.0.1', {deletionTimestamp: '2026-01-01T00:00:00Z'})});
    assert.equal(believe('a', '10.0.0.1'), 'unreal');
    assert.equal(believe('a', '10.0.0.1', {down: true}), 'real');
    tell({type: 'DELETED', object: podOf('a', 'x', '10.0.0.1')});
    assert.equal(believe('a', '10.0.0.1', {down: true}), 'unreal');
    directory.close();
  });

  test('namesakes in several namespaces -> each is known by its address', async () => {
    const {directory} = await openStage(['*'], () => listOf(podOf('a', 'x', '10.0.0.1'), podOf('a', 'y', '10.0.0.2')));
    assert.equal(directory.believe(claimOf('a', '10.0.0.2')).is, 'real');
    assert.equal(directory.size, 2);
    directory.close();
  });

  test('an API that said nothing yet, or nothing for long -> unknown, not refused; what is known stays', async () => {
    const never = await openStage(['x'], () => {
      throw new ApiFault(500, '500');
    });
    assert.equal(never.directory.believe(claimOf('a', '10.0.0.1')).is, 'unknown');
    never.directory.close();

    let works = true;
    const {clock, directory, fail} = await openStage(['x'], () => {
      if (works) return listOf(podOf('a', 'x', '10.0.0.1'));
      throw new ApiFault(500, '500');
    });
    works = false;
    assert.equal(directory.believe(claimOf('b', '10.0.0.2')).is, 'unreal');
    for (let second = 0; second < 90; second += 1) {
      fail();
      await clock.advance(1000);
    }
    assert.equal(directory.believe(claimOf('b', '10.0.0.2')).is, 'unknown');
    assert.equal(directory.believe(claimOf('a', '10.0.0.1')).is, 'real');
    directory.close();
  });
});
