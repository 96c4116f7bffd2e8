import assert from 'node:assert/strict';
import {globSync, readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {parseConfig} from '../../src/config/parse.ts';
import {type ErrorCode, EXIT_CODES} from '../../src/errors.ts';
import {REFERENCE} from '../../src/terminal/reference.ts';
import {STATUS} from '../http/status-ports.ts';

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

  test('defaults that are values, in any document -> set, they change nothing', () => {
    const host = {hostname: 'node-7', readText: () => undefined, resolvePath: (path: string) => path};
    const parse = (env: Readonly<Record<string, string>> = {}) =>
      parseConfig(
        {KONTROL_LABELS: '{"app": "haproxy", "role": "balancer"}', KONTROL_TEMPLATE: '{{ 1 }}', ...env},
        host,
      );
    const unset = parse().config;
    const tables = globSync('docs/*.md').map(file => readFileSync(file, 'utf8'));
    const defaults = [
      ...tables.join('\n').matchAll(/^\| `(KONTROL_\w+)` +\| (?:`([a-z\d,/.]+)`|(\d+))(?: \([^|]*\))? +\|/gm),
    ].map(([, name = '', word, number = '']) => [name, word ?? number] as const);
    assert.ok(defaults.length > 38, `${defaults.length} defaults`);
    for (const [name, value] of defaults)
      assert.deepEqual(parse({[name]: value}).config, {...unset, env: {...unset.env, [name]: value}}, name);
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

test('lines of the log that documents quote -> the code writes lines that begin so', () => {
  const code = globSync('src/**/*.ts')
    .map(file => readFileSync(file, 'utf8'))
    .join('\n');
  for (const [document, message] of [
    ['docs/operating.md', 'operator changed something'],
    ['docs/operating.md', 'operator looked at a change'],
    ['docs/operating.md', 'operator was refused, or failed'],
    ['docs/reload.md', 'no spare servers'],
  ] as const) {
    assert.ok(readFileSync(document, 'utf8').replaceAll(/\s+/g, ' ').includes(`\`${message}\``), message);
    assert.ok(code.includes(`'${message}`), message);
  }
});

describe('docs/operating.md, the problems', () => {
  const text = readFileSync('src/http/problems.ts', 'utf8');
  const [, kindsOfErrors = ''] = /const kind = \{(.*)\};/.exec(text) ?? [];
  const said = [...text.matchAll(/\b(?:bad|notice)\)?\(\s*'([a-z-]+)'/g), ...kindsOfErrors.matchAll(/: '([a-z-]+)'/g)];
  const [, table = ''] = readFileSync('docs/operating.md', 'utf8').split('### Problems');

  test('their kinds -> each has a row, and no other', () => {
    const kinds = new Set(said.map(([, kind = '']) => kind));
    const firstCells =
      table
        .split('\n### ')[0]
        ?.match(/^\| `.*?` \|/gm)
        ?.join('') ?? '';
    assert.deepEqual([...firstCells.matchAll(/`([a-z-]+)`/g)].map(([, kind = '']) => kind).sort(), [...kinds].sort());
  });
});

describe('docs/operating.md, the example of /status', () => {
  const [, text = ''] = /^```json\n(\{"version"[\s\S]*?)\n```$/m.exec(readFileSync('docs/operating.md', 'utf8')) ?? [];
  const example: unknown = JSON.parse(text);

  test('fields of the first level -> all that there are', () => {
    assert.deepEqual(Object.keys(example as object).sort(), Object.keys(STATUS).sort());
  });

  test('fields below -> each is one', () => {
    assert.deepEqual(strangersIn(example, STATUS), []);
  });
});

/** The paths of what `example` names and `real` does not have; addresses by app are nobody's fields. */
function strangersIn(example: unknown, real: unknown, path = ''): string[] {
  if (path === '.hosts' || typeof example !== 'object' || example === null) return [];
  const known = new Map(Object.entries(real ?? {}));
  // Items are alike: the first one stands for all.
  return Object.entries(example).flatMap(([name, value]) => {
    const key = Array.isArray(example) ? '0' : name;
    return known.has(key) ? strangersIn(value, known.get(key), `${path}.${key}`) : [`${path}.${key}`];
  });
}
