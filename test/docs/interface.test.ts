import assert from 'node:assert/strict';
import {globSync, readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {type ErrorCode, EXIT_CODES} from '../../src/errors.ts';
import {REFERENCE} from '../../src/terminal/reference.ts';

describe('docs/settings.md', () => {
  const rows =
    readFileSync('docs/settings.md', 'utf8')
      .match(/^\| `.*$/gm)
      ?.join('\n') ?? '';
  const read = new Set(
    globSync('src/config/*.ts')
      .map(file => readFileSync(file, 'utf8'))
      .join('\n')
      .match(/(?<=')KONTROL_[A-Z_]+(?=')/g),
  );

  test('settings that the code reads -> every one has a row', () => {
    assert.ok(read.size > 40);
    assert.deepEqual(
      [...read].filter(name => !rows.includes(`\`${name}\``)),
      [],
    );
  });

  test('settings that have a row -> the code reads every one, but those of the old image that it ignores', () => {
    const inForce = rows.replace(/^.*accepted and ignored.*$/m, '');
    const documented = new Set(inForce.match(/(?<=`)KONTROL_[A-Z_]+(?=`)/g));
    assert.deepEqual(
      [...documented].filter(name => !read.has(name)),
      [],
    );
  });
});

describe('docs/exit-codes.md', () => {
  const rows = [...readFileSync('docs/exit-codes.md', 'utf8').matchAll(/^\| (\d+) \| ([^|]+) \|/gm)].map(
    ([, code, of = '']) => ({code: Number(code), of}),
  );

  test('exit codes -> every one is there, and no other', () => {
    assert.deepEqual(
      [...new Set(rows.map(({code}) => code))].sort((a, b) => a - b),
      [...new Set([0, ...Object.values(EXIT_CODES)])].sort((a, b) => a - b),
    );
  });

  test('what --help says of each command -> the same', () => {
    const told = Object.entries(REFERENCE).flatMap(([name, {failures}]) =>
      Object.keys(failures).map(code => `${name} ${EXIT_CODES[code as ErrorCode]}`),
    );
    const documented = rows.flatMap(({code, of}) => [...of.matchAll(/`(\w+)`/g)].map(([, name]) => `${name} ${code}`));
    assert.deepEqual(documented.sort(), told.sort());
  });
});
