import assert from 'node:assert/strict';
import {createReadStream} from 'node:fs';
import {test} from 'node:test';
import {readInput, readInputFile} from '../../src/commands/read-input.ts';
import {runCommand} from './run-command.ts';

async function* piecesOf(...pieces: readonly string[]): AsyncIterable<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}

test('a stream in pieces -> all of it', async () => {
  assert.equal((await readInput(piecesOf('a', '', 'bc'))).toString(), 'abc');
});

test('a stream or a file without an end -> rejected with the bound', async () => {
  await assert.rejects(readInput(createReadStream('/dev/zero')), {message: 'it is longer than 64 MiB'});
  await assert.rejects(readInputFile('/dev/zero'), {message: 'it is longer than 64 MiB'});
});

test('- names stdin where the command says so, and a file elsewhere', () => {
  const {stderr} = runCommand(['rollback', '--token-file', '-']);
  assert.match(stderr, /ENOENT.*open '-'/);
});
