import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parseVersion} from '../../src/proxy/version.ts';
import {pathsOf} from '../../src/reload/files.ts';
import {type GenerationsState, generationPortsOf} from '../../src/reload/generations-state.ts';
import {nothingInherited} from '../../src/reload/inherited-sockets.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';

const [COMMITTED, TEXT] = ['/data/proxy.cfg', 'frontend f\n  bind 127.0.0.1:80\n'];

/** What generation `number` restores when it is started anew and `proxy.cfg` is as told; number 2 is the one that serves. */
async function restore(number: number, committed?: string) {
  const {files, contents} = createMemoryFiles(committed === undefined ? {} : {[COMMITTED]: committed});
  const linked: number[] = [];
  let isMade = false;
  const state = {
    ports: {files, log: openLogSink().log, version: parseVersion('HA-Proxy version 2.6.12 2023/04/01\n'), drain: {}},
    committedPath: COMMITTED,
    generations: {current: {number: 2}},
    run: {
      async make() {
        isMade = contents.size === Number(committed !== undefined);
      },
      link: async (one: {number: number}) => void linked.push(one.number),
    },
  } as unknown as GenerationsState;
  const generation = {number, text: TEXT, paths: pathsOf('/data', number), inheritance: nothingInherited};
  await generationPortsOf(state).restore?.(generation);
  assert.ok(isMade, 'the folder is made before anything is written');
  return {committed: contents.get(COMMITTED), linked, own: contents.get(generation.paths.configuration)};
}

test('the one that serves is started anew, proxy.cfg is gone -> written again; where it is there, it is left alone', async () => {
  assert.deepEqual(await restore(2), {committed: TEXT, linked: [2], own: TEXT});
  assert.deepEqual(await restore(2, 'of a user'), {committed: 'of a user', linked: [], own: TEXT});
});

test('a candidate that came up and died before it was committed -> its own files, never proxy.cfg', async () => {
  assert.deepEqual(await restore(3), {committed: undefined, linked: [], own: TEXT});
});
