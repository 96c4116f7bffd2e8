import assert from 'node:assert/strict';
import {globSync, readFileSync} from 'node:fs';
import {dirname, join, normalize} from 'node:path';
import {describe, test} from 'node:test';

/**
 * Which rooms a room may know besides `ports` and the files at the top of `src` (types included). `commands` is not in
 * it: the composition root knows everybody, and only `main.ts` and `program.ts` import it.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  certs: [],
  config: ['members', 'reload'],
  damper: [],
  dashboard: ['http'],
  demo: ['config', 'members', 'slave'],
  etcd: [],
  firewall: [],
  fleet: ['etcd', 'reload'],
  http: ['lifecycle', 'members', 'proxy'],
  jobs: ['proxy'],
  kubernetes: [],
  lifecycle: ['damper', 'jobs', 'members', 'proxy', 'reload', 'template'],
  members: ['etcd'],
  metrics: ['kubernetes', 'lifecycle', 'members', 'proxy', 'reload'],
  ports: [],
  proxy: [],
  reload: ['firewall', 'jobs', 'proxy'],
  slave: ['config', 'members'],
  telegraf: ['config'],
  template: ['config', 'members'],
  terminal: ['config', 'dashboard', 'http', 'lifecycle', 'members', 'proxy'],
  zerorpc: [],
};

/** What node's own modules offer without touching the world. */
const PURE_NAMES: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': ['createHash', 'randomBytes', 'timingSafeEqual'],
  'node:net': ['isIP', 'isIPv4', 'isIPv6'],
  'node:path': ['basename', 'dirname', 'join'],
  'node:util': ['isDeepStrictEqual', 'inspect', 'styleText', 'stripVTControlCharacters'],
};
const PURE_PACKAGES = ['@msgpack/msgpack', 'diff', 'nunjucks', 'yaml'];

interface Import {
  readonly from: string;
  /** A path under `src`, or the name of a module. */
  readonly to: string;
  readonly typeOnly: boolean;
  readonly names: readonly string[];
}

/** Told twice because neither side may know the other: what the dashboard reads of an answer, labels, tones on two screens. */
const TWO_SIDES = ['Departure', 'Labels', 'Mover', 'ProxyTraffic', 'Timeline', 'Tone', 'Traffic', 'TrafficSample'];

const EXPORTED = /^export (?:async )?(?:function\*?|const|interface|type|class) (\w+)/gm;

const STATEMENT = /^import (type )?(?:([^;]*?) from )?'([^']+)';/gms;
const DYNAMIC = /\bimport\('([^']+)'\)/g;

function importsOf(file: string): Import[] {
  const text = readFileSync(join('src', file), 'utf8');
  const target = (specifier: string) =>
    specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier;
  const stated = [...text.matchAll(STATEMENT)].map(([, type, clause = '', specifier = '']): Import => {
    const names = clause
      .replace(/^\w+, /, '')
      .replace(/[{}]/g, '')
      .split(',');
    const trimmed = names.map(name => name.trim()).filter(name => name !== '');
    const typeOnly = type !== undefined || (trimmed.length > 0 && trimmed.every(name => name.startsWith('type ')));
    return {from: file, to: target(specifier), typeOnly, names: trimmed.filter(name => !name.startsWith('type '))};
  });
  const dynamic = [...text.matchAll(DYNAMIC)].map(
    ([, specifier = '']): Import => ({from: file, to: target(specifier), typeOnly: false, names: ['*']}),
  );
  return [...stated, ...dynamic];
}

const files = globSync('**/*.ts', {cwd: 'src'}).sort();
const imports = new Map(files.map(file => [file, importsOf(file)]));
const all = [...imports.values()].flat();
const roomOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : '');
const show = ({from, to}: Import): string => `${from} -> ${to}`;

/** A core touches nothing outside itself, nor does anything that it imports for more than its types. */
function isCore(file: string, above: readonly string[] = []): boolean {
  if (above.includes(file)) return true;
  return (imports.get(file) ?? []).every(({to, typeOnly, names}) => {
    if (typeOnly) return true;
    if (imports.has(to)) return isCore(to, [...above, file]);
    return PURE_PACKAGES.includes(to) || names.every(name => PURE_NAMES[to]?.includes(name));
  });
}

describe('imports', () => {
  test('every room -> knows only the rooms that the table allows', () => {
    const wrong = all.filter(one => {
      const [from, to] = [roomOf(one.from), roomOf(one.to)];
      if (!imports.has(one.to) || from === to || from === 'commands' || from === '') return false;
      return to !== '' && to !== 'ports' && !ARROWS[from]?.includes(to);
    });
    assert.deepEqual(wrong.map(show), []);
  });

  test('the table -> names every room, has no circle', () => {
    assert.deepEqual(
      [...new Set(files.map(roomOf))].filter(room => room !== '' && room !== 'commands'),
      Object.keys(ARROWS).sort(),
    );
    const reaches = (from: string, to: string): boolean =>
      (ARROWS[from] ?? []).some(next => next === to || reaches(next, to));
    assert.deepEqual(
      Object.keys(ARROWS).filter(room => reaches(room, room)),
      [],
    );
  });

  test('a value from another room -> comes from a core, effects come in as parameters', () => {
    const wrong = all.filter(({from, to, typeOnly}) => {
      if (typeOnly || !imports.has(to) || roomOf(from) === roomOf(to)) return false;
      return roomOf(from) !== 'commands' && roomOf(from) !== '' && !isCore(to);
    });
    assert.deepEqual(wrong.map(show), []);
  });

  test('the composition root -> known to main.ts and program.ts alone', () => {
    const importers = all.filter(({to}) => roomOf(to) === 'commands').map(({from}) => from);
    assert.deepEqual(
      importers.filter(from => from !== 'main.ts' && from !== 'program.ts' && roomOf(from) !== 'commands'),
      [],
    );
    assert.deepEqual(
      all.filter(({to}) => to === 'commands/daemon/run.ts').map(({from}) => from),
      ['program.ts'],
    );
  });

  test('an exported name -> means one thing', () => {
    const names = files.flatMap(file =>
      [...readFileSync(join('src', file), 'utf8').matchAll(EXPORTED)].map(([, name = '']) => name),
    );
    const twice = names.filter((name, at) => names.indexOf(name) !== at);
    assert.deepEqual(twice.sort(), TWO_SIDES);
  });

  test('a part of the composition root -> read in a minute, 200 lines at most', () => {
    const root = files.filter(file => file.startsWith('commands/daemon/'));
    assert.ok(root.length > 10);
    const long = root.filter(file => readFileSync(join('src', file), 'utf8').split('\n').length - 1 > 200);
    assert.deepEqual(long, []);
  });

  test('the environment -> read in one file', () => {
    const readers = files.filter(file => /\bprocess\.env\b/.test(readFileSync(join('src', file), 'utf8')));
    assert.deepEqual(readers, ['config/load.ts']);
  });
});
