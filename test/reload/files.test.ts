import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {
  deriveControl,
  exposesListeners,
  generationNamedBy,
  haproxyArguments,
  pathsOf,
  START_BESIDE,
} from '../../src/reload/files.ts';

const PATHS = pathsOf('/data', 7);
const NOTHING = {
  exposesListeners: false,
  hardStopAfterMs: undefined,
  statsTimeoutIsSet: false,
  statsMaxconn: undefined,
  stateFile: undefined,
};

describe('files of a generation', () => {
  test('arguments -> in front, both files; -x and -sf for one start', () => {
    const [configuration, control] = [PATHS.configuration, PATHS.control];
    const plain = ['-db', '-f', '/data/run/7.cfg', '-f', '/data/run/7.control.cfg'];
    assert.deepEqual(haproxyArguments([configuration, control], START_BESIDE), plain);
    assert.deepEqual(haproxyArguments([configuration, control], {finish: [4, 5], transferFrom: '/data/run/6.sock'}), [
      ...plain,
      ...['-x', '/data/run/6.sock', '-sf', '4', '5'],
    ]);
  });

  test('control file -> a runtime socket, and what the version has', () => {
    const bare = deriveControl(PATHS, NOTHING);
    assert.match(
      bare,
      /^global\n {2}stats socket \/data\/run\/7\.sock mode 600 level admin\n {2}stats timeout 30s\n$/m,
    );
    assert.equal(exposesListeners(bare), false);
    const full = deriveControl(PATHS, {
      exposesListeners: true,
      hardStopAfterMs: 5000,
      statsTimeoutIsSet: true,
      statsMaxconn: 30,
      stateFile: PATHS.state,
    });
    assert.equal(exposesListeners(full), true);
    assert.doesNotMatch(full, /stats timeout/);
    assert.match(full, /\n {2}stats maxconn 30\n {2}stats socket /);
    assert.match(full, /\n {2}hard-stop-after 5000\n {2}server-state-file \/data\/run\/7\.state\n$/);
  });

  for (const [argument, generation] of [
    ['/data/run/7.cfg', 7],
    ['/data/run/7.run.cfg', 7],
    ['/data/proxy.cfg', 0],
    ['/data/run/7.control.cfg', undefined],
    ['/other/run/7.cfg', undefined],
    ['/data/run/x.cfg', undefined],
  ] as const) {
    test(`argument ${argument} -> ${generation}`, () => assert.equal(generationNamedBy(argument, '/data'), generation));
  }
});
