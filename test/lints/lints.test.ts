import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Each line with a comment is a fault, and the comment is the rule that has to see it. */
const PROBE = `import {type Clock, sleep} from '../ports/clock.ts';
import {createQueue} from '../ports/queue.ts';

type Light = {readonly is: 'red'} | {readonly is: 'green'};

export function probe(clock: Clock, light: Light, clocks: readonly Clock[]): unknown {
  sleep(clock, 5); // noFloatingPromises
  const {add} = createQueue();
  add(async () => 1); // noFloatingPromises
  clock.after(5, () => sleep(clock, 1)); // noMisusedPromises
  clock.after(5, () => void sleep(clock, 1));
  if (sleep(clock, 1)) return; // noMisusedPromises
  let demand: (cause: string) => void = () => {}; // plugin
  let tell = (_error: Error): void => {}; // plugin
  demand('nobody hears it');
  tell(new Error('nor this'));
  demand = () => process.exit();
  tell = () => process.exit();
  console.log(early); // noInvalidUseBeforeDeclaration
  const early = 1;
  switch (light.is) { // useExhaustiveSwitchCases
    case 'red':
      return;
  }
  const bare = Object.create(null);
  clocks.forEach(async one => sleep(one, 1)); // plugin
  const ready = clocks.filter(async one => (await sleep(one, 1)) === undefined); // plugin
  void Promise.all(clocks.map(async one => sleep(one, 1)));
  ready.forEach(one => void sleep(one, 1));
  return Object.assign(Object.create({early}), {demand, tell, bare}); // plugin
}

export function tooLong(clock: Clock): void { // noExcessiveLinesPerFunction
${'  clock.after(5, () => {});\n'.repeat(71)}}
`;

/** The rules as they are, over the probe and what it imports. */
function openProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kontrol-lints-'));
  const {vcs: _, ...settings} = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'));
  writeFileSync(join(folder, 'biome.json'), JSON.stringify(settings));
  for (const path of ['src/ports', 'test/lints', 'package.json', 'tsconfig.json']) {
    cpSync(join(ROOT, path), join(folder, path), {recursive: true});
  }
  cpSync(join(ROOT, 'src/errors.ts'), join(folder, 'src/errors.ts'));
  cpSync(join(ROOT, 'src/steps.ts'), join(folder, 'src/steps.ts'));
  mkdirSync(join(folder, 'src/commands'));
  writeFileSync(join(folder, 'src/commands/probe.ts'), PROBE);
  return folder;
}

test('the lints that would have caught our faults -> each fires where it has to, and nowhere else', () => {
  const folder = openProject();
  const args = ['lint', '--max-diagnostics=none', '--colors=off', 'src/commands'];
  const {stderr, stdout} = spawnSync(join(ROOT, 'node_modules/.bin/biome'), args, {cwd: folder, encoding: 'utf8'});
  rmSync(folder, {recursive: true});
  const seen = [...`${stdout}${stderr}`.matchAll(/probe\.ts:(\d+):\d+ (?:lint\/\w+\/)?(\w+)/g)].map(
    ([, line = '', rule = '']) => `${line} ${rule}`,
  );
  const wanted = PROBE.split('\n').flatMap((text, index) => {
    const [, rule] = /\/\/ (\w+)$/.exec(text) ?? [];
    return rule === undefined ? [] : [`${index + 1} ${rule}`];
  });
  assert.deepEqual([...new Set(seen)].sort(), wanted.sort());
});
