import assert from 'node:assert/strict';
import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import {after, describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import type {TemplateInput} from '../../src/template/input.ts';
import {createRenderer, type IsolatedRenderer} from '../../src/template/renderer.ts';
import {isOverLimit} from '../../src/template/template-refusal.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {waitFor} from '../support/wait.ts';
import {inputOf, never} from './fixtures.ts';

/** Generous for a loaded machine; what must end does so long before, or is killed. */
const TIMEOUT_MS = 10_000;
const SHORT_MS = 1000;

const failure = async (work: Promise<unknown>): Promise<DaemonError> => {
  const error = await work.then(
    () => undefined,
    (fault: unknown) => fault,
  );
  assert.ok(error instanceof DaemonError, String(error));
  assert.equal(error.code, 'RENDER');
  assert.doesNotMatch(error.message, /\n/);
  return error;
};

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
};

const pidOf = (renderer: IsolatedRenderer): number => renderer.pid ?? assert.fail('no process');

describe('renderer', () => {
  const renderer = createRenderer({timeoutMs: TIMEOUT_MS});
  const short = createRenderer({timeoutMs: SHORT_MS});
  after(() => {
    renderer[Symbol.dispose]();
    short[Symbol.dispose]();
  });

  test('a template, twice -> the same text, ending in exactly one newline', async () => {
    const hosts = new Map([
      ['web', ['10.0.0.2', '10.0.0.1']],
      ['10', ['10.0.0.3']],
      ['9', ['10.0.0.4']],
    ]);
    const input = inputOf('{% for app in hosts %}{{ app }} {{ hosts[app]|join(",") }}\n{% endfor %}\n\n', {hosts});
    const text = await renderer.render(input, never);
    assert.equal(text, '10 10.0.0.3\n9 10.0.0.4\nweb 10.0.0.2,10.0.0.1\n');
    assert.equal(await renderer.render(input, never), text);
    assert.equal(await renderer.render(inputOf('a'), never), 'a\n');
    assert.equal(await renderer.render(inputOf(''), never), '\n');
  });

  test('nothing to render for a while -> the process ends; who prepares or renders has another', async () => {
    const clock = createFakeClock();
    using own = createRenderer({timeoutMs: TIMEOUT_MS, idle: {afterMs: 1000, clock}});
    assert.equal(await own.render(inputOf('a'), never), 'a\n');
    const first = pidOf(own);
    await clock.advance(999);
    assert.equal(await own.render(inputOf('b'), never), 'b\n');
    assert.equal(pidOf(own), first);
    await clock.advance(1000);
    await waitFor(() => isGone(first), 'the end of the idle process');
    own.prepare();
    const second = pidOf(own);
    assert.notEqual(second, first);
    assert.equal(await own.render(inputOf('c'), never), 'c\n');
    assert.equal(pidOf(own), second);
    await clock.advance(1000);
    await waitFor(() => isGone(second), 'the end of the idle process');
    assert.equal(await own.render(inputOf('d'), never), 'd\n');
  });

  test('random and lipsum, twice -> the same text', async () => {
    const input = inputOf('{{ range(1000)|random }} {{ range(1000)|random }} {{ lipsum(2) }}');
    assert.equal(await renderer.render(input, never), await renderer.render(input, never));
  });

  test('all variables -> as documented', async () => {
    const pod = {app: 'web', id: 'web-1', ip: '10.0.0.1', key: 'a', role: 'r', seq: 1, payload: {weight: 1.5}};
    const input = inputOf('{{ [hosts, pods, node, labels, annotations, env, certs] }}', {
      hosts: new Map([['web', ['10.0.0.1']]]),
      pods: [pod],
      node: {labels: {a: '1'}, annotations: {}},
      labels: {app: 'haproxy'},
      annotations: {'x.y/z': '2'},
      env: {KONTROL_TTL: '25'},
      certs: {default: '/data/a.pem'},
    });
    assert.equal(
      await renderer.render(input, never),
      "[{'web': ['10.0.0.1']}, [{'app': 'web', 'id': 'web-1', 'ip': '10.0.0.1', 'key': 'a', 'role': 'r', 'seq': 1, " +
        "'payload': {'weight': 1.5}}], {'labels': {'a': '1'}, 'annotations': {}}, {'app': 'haproxy'}, " +
        "{'x.y/z': '2'}, {'KONTROL_TTL': '25'}, {'default': '/data/a.pem'}]\n",
    );
  });

  test('an undefined value used -> RENDER with line, column, excerpt and caret', async () => {
    const error = await failure(renderer.render(inputOf('backend b\n  server {{ hosts.web.first }}\n'), never));
    assert.match(
      error.message,
      /^cannot render the template: line 2, column 22: 'dict object' has no attribute 'web'$/,
    );
    assert.match(error.detail ?? '', / 2 \| {3}server \{\{ hosts\.web\.first \}\}\n {4}\| {22}\^/);
    assert.match(error.detail ?? '', /UndefinedError/);
  });

  test('operands that do not go together -> RENDER that shows them', async () => {
    const error = await failure(renderer.render(inputOf("{{ 'port ' + 80 }}"), never));
    assert.match(error.message, /can only concatenate str \(not "int"\) to str: "port " \+ 80/);
  });

  test('a template that cannot be parsed -> RENDER with its place', async () => {
    const error = await failure(renderer.render(inputOf('a\n{% if x %}\n'), never));
    assert.match(error.message, /line 2, column 4: 'if' is not closed/);
  });

  test('a loop without end -> stopped within its time, at its line; the next render works', async () => {
    const nested = '\n{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}';
    const error = await failure(short.render(inputOf(nested), never));
    assert.match(error.message, /line 2, .*takes too long|takes longer than/);
    assert.equal(await short.render(inputOf('a'), never), 'a\n');
  });

  test('a macro that calls itself for ever -> RENDER at its line', async () => {
    const error = await failure(
      renderer.render(inputOf('{% macro m(x) %}\n  {{ m(x) }}\n{% endmacro %}\n{{ m(1) }}'), never),
    );
    assert.match(error.message, /line 2, column \d+: maximum recursion depth exceeded/);
  });

  test('work that our own clock does not see -> the process is killed and replaced', async () => {
    const pid = pidOf(short);
    // One regular expression over one long word: nothing of ours looks at the clock meanwhile.
    const words = "{{ ('a.'*60000 ~ '!')|urlize }}{{ ('a.'*60000 ~ '!')|urlize }}";
    const slow = `{% set t = 'ab-' * 400000 %}${'{{ t|wordwrap(3)|length }}'.repeat(20)}${words.repeat(20)}`;
    const error = await failure(short.render(inputOf(slow), never));
    assert.match(error.message, /takes longer than 1 s \(KONTROL_RENDER_TIMEOUT\)|takes too long|over the limit/);
    assert.equal(await short.render(inputOf('b'), never), 'b\n');
    if (/takes longer/.test(error.message)) await waitFor(() => isGone(pid), 'the end of the killed process');
  });

  test('a memory bomb -> RENDER, and the next render works in a new process', async () => {
    const pid = pidOf(renderer);
    const bomb =
      "{% set x = [] %}{% for i in range(100000) %}{% set _ = x.append(('a%d' % i) * 3000) %}{{ x[-1]|upper|length }}{% endfor %}";
    const error = await failure(renderer.render(inputOf(bomb), never));
    assert.match(error.message, /takes more than 256 MiB of memory|takes longer than|takes too long/);
    assert.equal(await renderer.render(inputOf('a'), never), 'a\n');
    if (/memory|longer/.test(error.message)) await waitFor(() => isGone(pid), 'the end of the exhausted process');
  });

  test('an output without end -> RENDER that tells the limit', async () => {
    const error = await failure(
      renderer.render(inputOf("{% for i in range(1000) %}{{ 'x' * 1000000 }}{% endfor %}"), never),
    );
    assert.match(error.message, /longer than 16 MiB/);
  });

  test('more lines than 10,000, twice the template and 100 a pod -> RENDER that tells the limit; a text that is written out has no other', async () => {
    const lines = (count: string, more: Partial<TemplateInput['variables']> = {}) =>
      renderer.render(inputOf(`{% for i in range(${count}) %}x\n{% endfor %}`, more), never);
    assert.equal((await lines('10002')).length, 20_004);
    const error = await failure(lines('10003'));
    assert.match(error.message, /the text has 10003 lines, more than the 10002 for such a template and so many pods/);
    assert.ok(isOverLimit(error));
    const pods = new Map([['web', ['10.0.0.1', '10.0.0.2']]]);
    assert.equal((await lines('10202', {hosts: pods})).length, 20_404);
    assert.equal((await renderer.render(inputOf('x\n'.repeat(30_000)), never)).length, 60_000);
  });

  test('4,096 bind lines -> rendered; one more -> RENDER that tells the limit', async () => {
    const binding = (count: number) => inputOf(`{% for i in range(${count}) %}  bind :{{ i }}\n{% endfor %}`);
    assert.match(await renderer.render(binding(4096), never), /bind :4095/);
    const error = await failure(renderer.render(binding(4097), never));
    assert.match(error.message, /the text has 4097 bind lines, more than 4096/);
  });

  test('an abort during a render -> rejects with its reason; the next render works', async () => {
    const controller = new AbortController();
    const slow = '{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}';
    const rendering = renderer.render(inputOf(slow), controller.signal);
    const waiting = renderer.render(inputOf('next'), never);
    const refused = assert.rejects(rendering, /superseded/);
    await assert.rejects(renderer.render(inputOf('x'), AbortSignal.abort(new Error('early'))), /early/);
    controller.abort(new Error('superseded'));
    await refused;
    assert.equal(await waiting, 'next\n');
  });

  test('a process that is killed while it waits -> the next render works', async () => {
    const pid = pidOf(renderer);
    process.kill(pid, 'SIGKILL');
    await waitFor(() => isGone(pid), 'the end of the process');
    const text = await renderer.render(inputOf('a'), never).catch(() => renderer.render(inputOf('a'), never));
    assert.equal(text, 'a\n');
    assert.notEqual(pidOf(renderer), pid);
  });

  test('several renders at once -> one after the other, each its own answer', async () => {
    const texts = await Promise.all(Array.from({length: 20}, (_, n) => renderer.render(inputOf(`{{ ${n} }}`), never)));
    assert.deepEqual(
      texts,
      Array.from({length: 20}, (_, n) => `${n}\n`),
    );
  });

  test('what a render sets -> no later render sees', async () => {
    await renderer.render(
      inputOf("{% set leak = 'x' %}{% macro m() %}{% endmacro %}{% set n = namespace(a=1) %}"),
      never,
    );
    assert.equal(
      await renderer.render(inputOf('{{ leak is defined }}{{ m is defined }}{{ n is defined }}'), never),
      'FalseFalseFalse\n',
    );
  });

  test('the process, once warm -> no environment and no descriptor of ours', async () => {
    await renderer.render(inputOf('a'), never);
    const pid = pidOf(renderer);
    assert.equal(readFileSync(`/proc/${pid}/environ`, 'utf8'), '');
    const links = readdirSync(`/proc/${pid}/fd`).map(fd => readlinkSync(`/proc/${pid}/fd/${fd}`));
    const foreign = links.filter(link => !/^(?:anon_inode|pipe|socket):|^\/dev\/null$/.test(link));
    assert.deepEqual(foreign, []);
    assert.equal(links.filter(link => link.startsWith('socket:')).length, 3);
  });

  test('disposed -> its process ends', async () => {
    const own = createRenderer({timeoutMs: TIMEOUT_MS});
    await own.render(inputOf('a'), never);
    const pid = pidOf(own);
    own[Symbol.dispose]();
    await waitFor(() => isGone(pid), 'the end of the process');
  });
});
