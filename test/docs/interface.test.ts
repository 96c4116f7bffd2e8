import assert from 'node:assert/strict';
import {globSync, readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {parseConfig} from '../../src/config/parse.ts';
import {type ErrorCode, EXIT_CODES} from '../../src/errors.ts';
import {OPENAPI} from '../../src/http/openapi.ts';
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

const operating = readFileSync('docs/operating.md', 'utf8').replaceAll(/\s+/g, ' ');

/** The names in backquotes of a part of a text. */
const quotedIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

describe('docs/operating.md, commands and fields', () => {
  test('commands that have --json -> those of the sentence', () => {
    const [, told = ''] =
      /reasons are never cut\. .*? ((?:`\w+`(?:, | and ))+`\w+`) have `--json`/.exec(operating) ?? [];
    const having = Object.entries(REFERENCE).filter(([, {options}]) => 'json' in options);
    assert.deepEqual(quotedIn(told).sort(), having.map(([name]) => name).sort());
  });

  test('fields of /members, of a server in it, and what proxyState can be -> all that there are', () => {
    const {Member, Server} = OPENAPI.components.schemas as unknown as Readonly<Record<string, Schema>>;
    const fieldsIn = (text: string) =>
      [...text.replaceAll(/: \{[^}]*\}/g, '').matchAll(/"(\w+)"/g)].map(([, name = '']) => name);
    const [, member = '', server = ''] =
      /`GET \/members` is a list of `(\{[^`]*\})`.*?`servers` are [^`]*`(\{[^`]*\})`/.exec(operating) ?? [];
    assert.deepEqual(fieldsIn(member).sort(), Object.keys(Member?.properties ?? {}).sort());
    assert.deepEqual(fieldsIn(server).sort(), Object.keys(Server?.properties ?? {}).sort());
    const [, states = ''] = /`proxyState` sums them up: (.*?) HAProxy is asked when/.exec(operating) ?? [];
    const words = quotedIn(states.replaceAll(/\([^)]*\)/g, ''));
    assert.deepEqual(words.sort(), [...(Member?.properties?.proxyState?.enum ?? [])].sort());
  });
});

/** A part of a JSON schema, as far as names of fields go. */
interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly string[];
}

const schemas: Readonly<Record<string, Schema>> = OPENAPI.components.schemas as never;

/** Whether what has this schema has such a field, below lists and whatever else may be there. */
function hasField(schema: Schema | undefined, [name, ...rest]: readonly string[]): boolean {
  if (schema === undefined) return false;
  if (name === undefined) return true;
  const {$ref, properties, items, anyOf = []} = schema;
  const alternatives = [...anyOf, ...(items === undefined ? [] : [items])];
  if ($ref !== undefined) alternatives.push(schemas[$ref.split('/').at(-1) ?? ''] ?? {});
  return hasField(properties?.[name], rest) || alternatives.some(one => hasField(one, [name, ...rest]));
}

describe('names in all documents', () => {
  const texts = [...globSync('docs/*.md'), 'README.md', 'CHANGELOG.md'].map(file => readFileSync(file, 'utf8'));
  const FILE = /\.(?:cfg|out|pid|yml|lock|json)$/;

  test('paths of fields of /status -> each is one', () => {
    const paths = texts
      .flatMap(text => quotedIn(text.replaceAll(/^```[\s\S]*?^```/gm, '')))
      .filter(text => /^[a-z]\w+(?:\[\])?(?:\.\w+(?:\[\])?)+$/.test(text) && !FILE.test(text))
      .map(text => text.replaceAll('[]', '').split('.'))
      .filter(([first = '']) => hasField(schemas.Status, [first]));
    assert.ok(paths.length >= 15, `${paths.length} paths`);
    assert.deepEqual(
      paths.filter(path => !hasField(schemas.Status, path)),
      [],
    );
  });

  test('files of the data folder -> each is written by the code', () => {
    const code = globSync('src/**/*.ts')
      .map(file => readFileSync(file, 'utf8'))
      .join('\n');
    const all = texts.join('\n');
    for (const name of [
      ...['proxy.cfg', 'proxy.pid', 'proxy.out', 'daemon.lock', 'haproxy.sock', 'state.json'],
      ...['pod.json', 'quarantine.json', 'template-good.json', 'history', 'certs'],
    ]) {
      assert.ok(all.includes(name), `no document names ${name}`);
      assert.ok(new RegExp(`['/]${name.replace('.', '\\.')}['\`]`).test(code), name);
    }
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
  const text = ['problems', 'trouble-problems'].map(name => readFileSync(`src/http/${name}.ts`, 'utf8')).join();
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
