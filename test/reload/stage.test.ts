import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parseVersion} from '../../src/proxy/version.ts';
import {pathsOf} from '../../src/reload/files.ts';
import {nothingInherited} from '../../src/reload/inherited-sockets.ts';
import {restoreGeneration, stageGeneration} from '../../src/reload/stage.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';

const TEXT = 'frontend f\n  bind 127.0.0.1:80\n';

test('files of a generation that are gone -> written again as they were; while they are there, nothing is', async () => {
  const {files, contents, seen} = createMemoryFiles();
  const {log, said} = openLogSink();
  const ports = {
    dataFolder: '/data',
    files,
    log,
    version: parseVersion('HA-Proxy version 2.6.12 2023/04/01\n'),
    drain: {maxAgeMs: 3_600_000},
    run: {claim: () => {}, forget: async () => {}},
  };
  await stageGeneration(7, TEXT, ports);
  const written = new Map(contents);
  const generation = {number: 7, text: TEXT, paths: pathsOf('/data', 7), inheritance: nothingInherited};
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
