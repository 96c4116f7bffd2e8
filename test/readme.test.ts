import assert from 'node:assert/strict';
import {existsSync, globSync, readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {EXIT_CODES} from '../src/errors.ts';

const readme = readFileSync('README.md', 'utf8');

describe('README', () => {
  test('settings that the code reads -> every one is there', () => {
    const sources = globSync('src/config/*.ts').map(file => readFileSync(file, 'utf8'));
    const names = new Set(sources.join('\n').match(/(?<=')KONTROL_[A-Z_]+(?=')/g));
    assert.ok(names.size > 40);
    assert.deepEqual(
      [...names].filter(name => !readme.includes(`\`${name}\``)),
      [],
    );
  });

  test('exit codes -> every one is there', () => {
    const [, table = ''] = readme.split('### Exit codes');
    const cells = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, codes = '']) => codes.split(',').map(Number));
    assert.deepEqual(
      Object.values(EXIT_CODES).filter(code => !cells.includes(code)),
      [],
    );
  });

  test('links -> lead to files', () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, link = '']) => link);
    assert.deepEqual(
      links.filter(link => !existsSync(link)),
      [],
    );
  });
});
