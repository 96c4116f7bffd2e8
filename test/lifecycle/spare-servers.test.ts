import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {createSpareServers, growRooms} from '../../src/lifecycle/spare-servers.ts';
import {createReadTexts} from '../../src/reload/read-texts.ts';
import type {TemplateInput} from '../../src/template/input.ts';
import {openLogSink} from '../members/fixtures.ts';
import {inputOf, never} from '../template/fixtures.ts';

const hostsOf = (counts: Readonly<Record<string, number>>) =>
  new Map(
    Object.entries(counts).map(([app, count]) => [
      app,
      Array.from({length: count}, (_, index) => `10.0.0.${index + 1}`),
    ]),
  );

describe('growRooms', () => {
  const cases = {
    'an app is new -> two spare servers at least': [{}, {web: 1}, 'auto', {web: 3}],
    'an app is new -> a quarter of it': [{}, {web: 100}, 'auto', {web: 125}],
    'an app is large -> 64 at most': [{}, {web: 1000}, 'auto', {web: 1064}],
    'a number is asked for -> as many': [{}, {web: 10, api: 1}, 5, {web: 15, api: 6}],
    'pods join and leave within the room -> as it was': [{web: 5}, {web: 5}, 'auto', {web: 5}],
    'one more joins than there is room -> room anew': [{web: 5}, {web: 6}, 'auto', {web: 8}],
    'an app left -> its room is kept': [{web: 5, api: 3}, {api: 1}, 'auto', {web: 5, api: 3}],
  } as const;
  for (const [what, [rooms, counts, setting, grown]] of Object.entries(cases)) {
    test(what, () =>
      assert.deepEqual(Object.fromEntries(growRooms(new Map(Object.entries(rooms)), hostsOf(counts), setting)), grown),
    );
  }
});

describe('createSpareServers', () => {
  /** As a template of a server for each address does. */
  const textOf = ({variables: {hosts}}: TemplateInput): string =>
    `backend web\n${(hosts.get('web') ?? []).map((ip, index) => `  server s${index + 1} ${ip}:80\n`).join('')}`;

  function open(render: (input: TemplateInput) => string = textOf) {
    const texts = createReadTexts();
    const {log, said} = openLogSink();
    const spares = createSpareServers('auto', {renderer: {render: async input => render(input)}, texts, log});
    const readOf = async (ips: number, signal = never) => {
      const input = inputOf('', {hosts: hostsOf({web: ips})});
      const text = textOf(input);
      await spares.find(input, text, signal);
      return texts.readAs(text).slice(text.length);
    };
    return {readOf, said, spares, texts};
  }

  test('pods join and leave -> the spare servers at their places, each with the same address', async () => {
    const {readOf, spares} = open();
    assert.equal(await readOf(1), '  server s2 192.0.2.2:80 disabled\n  server s3 192.0.2.3:80 disabled\n');
    assert.equal(await readOf(2), '  server s3 192.0.2.3:80 disabled\n');
    assert.equal(await readOf(3), '');
    assert.equal(spares.why, undefined);
    assert.equal(await readOf(2), '  server s3 192.0.2.3:80 disabled\n');
    assert.match(await readOf(4), /s5 192\.0\.2\.5:80 disabled\n {2}server s6 /);
  });

  test('the template fails with more pods, as with a number that is too high -> none, said once', async () => {
    const {readOf, said, spares} = open(() => {
      throw new DaemonError('RENDER', 'cannot render the template: too many');
    });
    assert.deepEqual([await readOf(1), await readOf(1)], ['', '']);
    assert.match(spares.why ?? '', /^the template fails with more pods: cannot render the template: too many$/);
    assert.equal(said('no spare servers: pods that join take a reload').length, 1);
  });

  test('it failed with more pods and does not any more -> spare servers, and no word of it', async () => {
    const faults = [new DaemonError('RENDER', 'cannot render the template: too many')];
    const {readOf, said, spares} = open(input => {
      const fault = faults.pop();
      if (fault !== undefined) throw fault;
      return textOf(input);
    });
    await readOf(1);
    assert.match(await readOf(1), /server s2 192/);
    assert.deepEqual([spares.why, said('no spare servers: pods that join take a reload').length], [undefined, 1]);
  });

  test('an app left -> a template sees as many imagined pods of it as it had room for', async () => {
    const seen: (number | undefined)[] = [];
    const {spares} = open(input => {
      seen.push(input.variables.hosts.get('web')?.length);
      return textOf(input);
    });
    for (const counts of [{web: 1}, {}]) {
      await spares.find(inputOf('', {hosts: hostsOf(counts)}), 'backend web\n', never);
    }
    assert.deepEqual(seen, [3, 3]);
  });

  test('an app left, and would bring a backend of its own again -> the other keeps its spare servers', async () => {
    const textOfEach = ({variables: {hosts}}: TemplateInput): string =>
      [...hosts]
        .map(([app, ips]) => `backend ${app}\n${ips.map((ip, n) => `  server s${n + 1} ${ip}:80\n`).join('')}`)
        .join('');
    const {spares, texts} = open(textOfEach);
    for (const counts of [{api: 1, web: 1}, {web: 1}]) {
      const input = inputOf('', {hosts: hostsOf(counts)});
      await spares.find(input, textOfEach(input), never);
      assert.match(texts.readAs(textOfEach(input)), /backend web\n.*\n {2}server s2 192\.0\.2\.2:80 disabled\n/);
    }
    assert.equal(spares.why, undefined);
  });

  test('a fault of ours -> it rejects', async () => {
    const {readOf} = open(() => {
      throw new TypeError('not a function');
    });
    await assert.rejects(readOf(1), TypeError);
  });

  test('it is told to stop -> it rejects', async () => {
    const {readOf} = open(() => {
      throw new DaemonError('RENDER', 'cannot render the template: it was stopped');
    });
    await assert.rejects(readOf(1, AbortSignal.abort()), /stopped/);
  });
});
