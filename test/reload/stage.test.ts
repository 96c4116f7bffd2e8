import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parseVersion} from '../../src/proxy/version.ts';
import {pathsOf} from '../../src/reload/files.ts';
import {nothingInherited} from '../../src/reload/inherited-sockets.ts';
import {deriveStatsMaxconn, restoreGeneration, stageGeneration} from '../../src/reload/stage.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {systemError} from '../support/system-error.ts';

const TEXT = 'frontend f\n  bind 127.0.0.1:80\n';

/** Generation 7, with its files written. */
async function stageSeventh() {
  const memory = createMemoryFiles();
  const {log, said} = openLogSink();
  const ports = {
    dataFolder: '/data',
    files: memory.files,
    log,
    version: parseVersion('HA-Proxy version 2.6.12 2023/04/01\n'),
    drain: {maxAgeMs: 3_600_000},
    run: {claim: () => {}, forget: async () => {}},
  };
  await stageGeneration(7, TEXT, ports);
  const generation = {number: 7, text: TEXT, paths: pathsOf('/data', 7), inheritance: nothingInherited};
  return {...memory, said, ports, generation};
}

test('files of a generation that are gone -> written again as they were; while they are there, nothing is', async () => {
  const {contents, seen, said, ports, generation} = await stageSeventh();
  const written = new Map(contents);
  const {writes} = seen;
  await restoreGeneration(generation, ports);
  assert.equal(seen.writes, writes);
  for (const gone of [[...written.keys()], ['/data/run/7.control.cfg']]) {
    for (const path of gone) contents.delete(path);
    await restoreGeneration(generation, ports);
    assert.deepEqual(new Map(contents), written);
  }
  assert.equal(said('files of a generation are gone: they are written again').length, 2);
});

test('files of a generation that nobody can read -> written again; where that fails, the words say which', async () => {
  const {files, seen, failWith, ports, generation} = await stageSeventh();
  const {writes} = seen;
  const {readText} = files;
  const readBut =
    (path: string): typeof readText =>
    one =>
      one === path ? Promise.reject(systemError('EACCES')) : readText(one);
  for (const path of [generation.paths.configuration, generation.paths.control]) {
    await restoreGeneration(generation, {...ports, files: {...files, readText: readBut(path)}});
  }
  assert.equal(seen.writes, writes + 4);
  failWith(systemError('EROFS'));
  await assert.rejects(
    restoreGeneration(generation, {...ports, files: {...files, readText: readBut(generation.paths.control)}}),
    {code: 'APPLY', message: /^cannot write \/data\/run\/7\.cfg: EROFS/},
  );
});

test('connections to runtime sockets -> the text has as many as it says, and we have some more', () => {
  for (const [said, limit] of [
    [[], 30],
    [[5], 25],
    [[50, 5], 70],
    [[9999], 10_019],
    [[10_000], undefined],
    [[Number.NaN], undefined],
  ] as const)
    assert.equal(deriveStatsMaxconn({statsMaxconns: said}), limit, said.join());
});
