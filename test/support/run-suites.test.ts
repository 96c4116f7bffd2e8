import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {test} from 'node:test';
import {promisify} from 'node:util';
import {openFolder} from './folder.ts';

const SUITES = {
  good: "test('it goes well', () => {});",
  lingers: "test('it leaves a timer', () => void setInterval(() => {}, 1000));",
  bad: "test('it fails', () => { throw new Error('no'); });",
  stuck: "describe('both', () => { test('it waits', () => new Promise(() => setInterval(() => {}, 1000))); });",
  blocked: "test('it blocks', () => { for (;;); });",
  // As by a helper that outlives it.
  held: "test('it leaves a process', () => { spawn('sleep', ['20'], {stdio: ['ignore', 1, 'ignore']}).unref(); });",
};

const MAIN = `
import {runSuites} from '${new URL('run-suites.ts', import.meta.url)}';
let failures = 0;
const settings = {concurrency: 6, limitMs: 12_000, failed: () => (failures += 1)};
const told = [];
for await (const {type, data: {name, details}} of runSuites(process.argv.slice(2), settings)) {
  if (type === 'test:pass') told.push(name);
  if (type === 'test:fail') told.push('not ' + name + ': ' + details.error.message);
}
console.log(JSON.stringify({told, failures}));
process.exit();
`;

test('suites -> told in their order; one that hangs is ended, with the tests that it was at', async () => {
  await using folder = await openFolder();
  for (const [name, text] of Object.entries(SUITES)) {
    const imports = "import {spawn} from 'node:child_process';\nimport {describe, test} from 'node:test';\n";
    await writeFile(join(folder.path, `${name}.test.mjs`), imports + text);
  }
  const main = join(folder.path, 'main.mjs');
  await writeFile(main, MAIN);
  const files = Object.keys(SUITES).map(name => join(folder.path, `${name}.test.mjs`));
  // Node runs no suites where it is told that it is in one.
  const options = {env: {PATH: process.env.PATH}, timeout: 60_000};
  const {stdout} = await promisify(execFile)(process.execPath, [main, ...files], options);
  const {told, failures} = JSON.parse(stdout) as {told: string[]; failures: number};
  assert.deepEqual(
    told.map(line => line.replaceAll(`${folder.path}/`, '')),
    [
      'it goes well',
      'it leaves a timer',
      'not lingers.test.mjs: ended after 12 s, at: no test that it told of; its process does not end, or its output is held open',
      'not it fails: no',
      'not stuck.test.mjs: ended after 12 s, at: both; it waits',
      'not blocked.test.mjs: ended after 12 s, at: no test that it told of; its process does not end, or its output is held open',
      'it leaves a process',
      'not held.test.mjs: ended after 12 s, at: no test that it told of; its process does not end, or its output is held open',
    ],
  );
  assert.equal(failures, 5);
});
