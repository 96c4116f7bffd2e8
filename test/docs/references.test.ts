import assert from 'node:assert/strict';
import {existsSync, globSync, readdirSync, readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {anchorOf, citationsOf, DOCUMENTS, faultOf, linksOf, pathsOf, type Reference} from './documents.ts';

const faultsOf = (references: readonly Reference[]): string[] =>
  references.flatMap(({from, path, anchor}) => {
    const fault = faultOf(path, anchor);
    return fault === undefined ? [] : [`${from}: ${fault}`];
  });

describe('documents', () => {
  test('every link -> leads to a file, and to a heading where it names one', () => {
    const links = DOCUMENTS.flatMap(linksOf);
    assert.ok(links.length > 30, `${links.length} links`);
    assert.deepEqual(faultsOf(links), []);
  });

  test('every path of the repository that is named -> is there', () => {
    const paths = DOCUMENTS.flatMap(pathsOf);
    assert.ok(paths.length > 60, `${paths.length} paths`);
    assert.deepEqual(faultsOf(paths), []);
  });

  test('what src/ holds -> has its line in the architecture, and each of its folders a room', () => {
    const text = readFileSync('docs/architecture.md', 'utf8');
    const named = readdirSync('src', {withFileTypes: true}).map(entry =>
      entry.isDirectory() ? `${entry.name}/` : entry.name,
    );
    assert.deepEqual(
      named.filter(name => !text.includes(`\`${name}\``) && !text.includes(`\`src/${name}\``)),
      [],
    );
    const rooms = [...(text.split('## The rooms')[1]?.split('\n## ')[0] ?? '').matchAll(/^\| .*?(\w+\/)` \|/gm)];
    assert.deepEqual(rooms.map(([, room = '']) => room).sort(), named.filter(name => name.endsWith('/')).sort());
  });

  test('folders of test/ that mirror none of src/ -> in the list of CONTRIBUTING', () => {
    const text = readFileSync('docs/CONTRIBUTING.md', 'utf8');
    const others = readdirSync('test', {withFileTypes: true})
      .filter(entry => entry.isDirectory() && !existsSync(`src/${entry.name}`))
      .map(({name}) => name);
    assert.deepEqual(
      others.filter(name => !text.includes(`\`test/${name}/\``)),
      [],
    );
  });

  test('every document in docs/ -> is linked from another one', () => {
    const linked = new Set(
      DOCUMENTS.flatMap(linksOf)
        .filter(({from, path}) => from !== path)
        .map(({path}) => path),
    );
    assert.deepEqual(
      DOCUMENTS.filter(path => path.startsWith('docs/') && !linked.has(path)),
      [],
    );
  });

  test('anchors -> as GitHub makes them', () => {
    assert.equal(anchorOf('Without a reload: `runtime`'), 'without-a-reload-runtime');
    assert.equal(anchorOf("Where the pod's facts come from"), 'where-the-pods-facts-come-from');
    assert.equal(anchorOf('See [the list](metrics.md) of `a_b`'), 'see-the-list-of-a_b');
  });
});

describe('citations', () => {
  const sources = globSync(['{src,test,docker,alpine-3.5,.ci}/**/*', 'lifecycle.yml'], {withFileTypes: true})
    .filter(entry => entry.isFile() && /\.(ts|js|sh|c|py|ya?ml)$|^Dockerfile$|^run$/.test(entry.name))
    .map(entry => `${entry.parentPath}/${entry.name}`)
    .filter(file => !file.startsWith('test/docs/'));

  test('every document that source text names -> is in the repository, with the heading', () => {
    const citations = sources.flatMap(citationsOf);
    assert.ok(citations.length > 50, `${citations.length} citations`);
    assert.deepEqual(faultsOf(citations), []);
  });

  test('documents -> cited by path, not by a title in capitals', () => {
    const byTitle = /\b(?:CONTRACT|DESIGN)\b|\b(?:STYLE|RELOAD|TEMPLATES|SECURITY|README|CHANGELOG|CONTRIBUTING),? "/;
    assert.deepEqual(
      sources.filter(file => byTitle.test(readFileSync(file, 'utf8'))),
      [],
    );
  });

  test('every invariant that is cited by number -> is in the list', () => {
    const [, list = ''] = readFileSync('docs/architecture.md', 'utf8').split('## Invariants');
    const numbers = [...(list.split('\n## ')[0] ?? '').matchAll(/^(\d+)\. /gm)].map(([, number]) => number);
    assert.ok(numbers.length >= 13);
    const cited = sources.flatMap(file =>
      [...readFileSync(file, 'utf8').matchAll(/architecture\.md#invariants, (\d+)/g)].map(([, number]) => number),
    );
    assert.ok(cited.length > 0);
    assert.deepEqual(
      cited.filter(number => !numbers.includes(number)),
      [],
    );
  });

  test('every fault of the old stack -> has a test that is named after it', () => {
    const [, list = ''] = readFileSync('docs/contract-2017.md', 'utf8').split('## Faults of the old stack');
    const faults = [...(list.split('\n## ')[0] ?? '').matchAll(/^(\d+)\. /gm)].map(([, number]) => number);
    const named = globSync('test/**/*.test.ts').flatMap(file =>
      [...readFileSync(file, 'utf8').matchAll(/(?:test|describe)\([^\n]*?\bfault (\d+)/g)].map(([, number]) => number),
    );
    assert.deepEqual([...new Set(named)].sort(), [...faults].sort());
  });
});
