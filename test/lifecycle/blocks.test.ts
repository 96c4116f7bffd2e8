import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {type BlockPorts, openBlocks} from '../../src/lifecycle/blocks.ts';
import type {Visit} from '../../src/lifecycle/lifecycle.ts';
import {createBlockVariables} from '../../src/lifecycle/variables.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {systemError} from '../support/system-error.ts';

const VISIT: Visit = {tag: 'up', cause: 'up', origin: 'daemon', input: undefined};
const FOLDER = '/data/run';

/** A block that is given this input; `seen` is its environment, with what `INPUT_FILE` holds while it runs. */
function open(
  input: string,
  changes: Partial<BlockPorts['files']> = {},
  contents: Readonly<Record<string, string>> = {},
) {
  const memory = createMemoryFiles(contents);
  const {log, said} = openLogSink();
  const seen: Readonly<Record<string, string | undefined>>[] = [];
  const blocks = openBlocks({
    files: {...memory.files, ...changes},
    log,
    folder: FOLDER,
    socketPath: '/data/sock',
    env: () => ({KONTROL_IP: '10.0.0.1', KONTROL_LONG: 'x'.repeat(128 << 10)}),
    variables: createBlockVariables(),
    inputOf: () => Buffer.from(input),
    async run(_block, _tag, env) {
      seen.push({...env, inputFile: memory.contents.get(env.INPUT_FILE ?? '')});
      return {said: ''};
    },
  });
  const run = async () => (await blocks).run('true', VISIT, new AbortController().signal);
  return {blocks, run, seen, said, contents: memory.contents};
}

describe('blocks', () => {
  test('inputs that a killed daemon left -> removed; other files stay', async () => {
    const {blocks, contents} = open(
      '',
      {},
      {[`${FOLDER}/input-3`]: '', [`${FOLDER}/input-3.cfg`]: '', [`${FOLDER}/1.cfg`]: ''},
    );
    await blocks;
    assert.deepEqual([...contents.keys()], [`${FOLDER}/input-3.cfg`, `${FOLDER}/1.cfg`]);
  });

  test('a block -> its input as a variable and as a file, which is gone when it has ended; a setting too long for one is left out', async () => {
    const {run, seen, contents, said} = open('web,10.0.0.1');
    await run();
    await run();
    const given = {KONTROL_IP: '10.0.0.1', SOCKET: '/data/sock', INPUT: 'web,10.0.0.1', inputFile: 'web,10.0.0.1'};
    assert.deepEqual(seen, [
      {...given, INPUT_FILE: `${FOLDER}/input-1`},
      {...given, INPUT_FILE: `${FOLDER}/input-2`},
    ]);
    assert.deepEqual([...contents.keys()], []);
    assert.deepEqual(said('variables too long')[0]?.names, ['KONTROL_LONG']);
  });

  test('a full disk -> the variable alone, and a warning; an input too long for one -> LIFECYCLE', async () => {
    const full = {replaceBytes: () => Promise.reject(systemError('ENOSPC'))};
    const short = open('web', full);
    await short.run();
    assert.equal(short.seen[0]?.INPUT, 'web');
    assert.equal(short.said('INPUT_FILE cannot be written').length, 1);
    const long = open('x'.repeat(128 << 10), full);
    await assert.rejects(long.run(), {code: 'LIFECYCLE', message: /^cannot write the input of state up: ENOSPC/});
    assert.deepEqual(long.seen, []);
  });

  test('an input too long for a variable -> the file alone', async () => {
    const text = 'x'.repeat(128 << 10);
    const {run, seen} = open(text);
    await run();
    assert.deepEqual([seen[0]?.INPUT, seen[0]?.inputFile], [undefined, text]);
  });
});
