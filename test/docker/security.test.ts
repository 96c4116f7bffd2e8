import assert from 'node:assert/strict';
import {existsSync, readFileSync} from 'node:fs';
import {test} from 'node:test';

const MODEL = readFileSync('docs/SECURITY.md', 'utf8');

/** `file`: "name" */
const POINTERS = [...MODEL.matchAll(/`(test\/[\w/.-]+\.test\.ts)`:\s+"([^"]+)"/g)].map(([, file = '', name = '']) => ({
  file,
  name,
}));

test('threat model, every test that it points at -> is there by that name', () => {
  assert.ok(POINTERS.length > 40, `${POINTERS.length} pointers`);
  for (const {file, name} of POINTERS) {
    assert.ok(existsSync(file), file);
    const declared = readFileSync(file, 'utf8')
      .split('\n')
      .filter(line => /^\s*(test|describe)\(/.test(line));
    assert.ok(
      declared.some(line => line.includes(name)),
      `${file} has no test "${name}"`,
    );
  }
});

test('threat model, every claim -> points at a test, but what is said of the world outside', () => {
  const claims = MODEL.split(/^- /m)
    .slice(1)
    .map(claim => claim.split('\n\n')[0] ?? '');
  const bare = claims.filter(claim => !/\.test\.ts`/.test(claim));
  const outside = /^(\*\*At worst\*\*|Production dependencies|`npm audit`|Ports 8000|A member of|Shell blocks)/;
  assert.deepEqual(
    bare.filter(claim => !outside.test(claim)),
    [],
  );
});

test('packages -> each pinned by its digest, install scripts for none but node', () => {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const packages: [string, {integrity?: string; link?: boolean; hasInstallScript?: boolean}][] = Object.entries(
    lock.packages,
  );
  for (const [path, {integrity, link}] of packages) {
    if (path !== '' && link !== true) assert.match(integrity ?? '', /^sha512-/, path);
  }
  assert.deepEqual(Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).allowScripts), ['node']);
});
