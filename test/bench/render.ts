import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {Run} from '../../src/template/jinja/run.ts';
import {compileTemplate} from '../../src/template/jinja/template.ts';
import {createRenderer} from '../../src/template/renderer.ts';
import {podsOf} from '../../src/template/sample.ts';
import {frozenByApp} from '../../src/template/variables.ts';
import {pythonBinary} from '../support/parts.ts';
import {inputOf, never} from '../template/fixtures.ts';

/*
 * Render times and memory beside the real Jinja2's, in one run. "render" is the template's work alone, compiled before;
 * "request" is what a pass waits for: variables to a warm process, rendered, the text back. Jinja2 gets the same warm
 * process, pipes and JSON. Usage: node test/bench/render.ts [rounds]
 */

const TEMPLATE = readFileSync(new URL('../fixtures/http.j2', import.meta.url), 'utf8');
const HOSTS_PER_APP = 100;
const SIZES = [10, 1000, 10_000];
const TIMEOUT_MS = 60_000;

const hostsOf = (count: number): Map<string, string[]> => {
  const hosts = new Map<string, string[]>();
  for (let n = 0; n < count; n++) {
    const app = `app-${String(Math.floor(n / HOSTS_PER_APP)).padStart(3, '0')}`;
    hosts.set(app, [...(hosts.get(app) ?? []), `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`]);
  }
  return hosts;
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

async function measure(rounds: number, work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    await work();
    times.push(performance.now() - startedMs);
  }
  return median(times);
}

function startJinja() {
  const child = spawn(pythonBinary, [fileURLToPath(new URL('render.py', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  return {
    async ask(request: unknown): Promise<{text: string; renderMs: number; rssBytes: number}> {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return JSON.parse((await lines.next()).value ?? 'null');
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

const residentMiB = (pid: number | undefined): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

using jinja = startJinja();
using renderer = createRenderer({timeoutMs: TIMEOUT_MS});
const compiled = compileTemplate(TEMPLATE);
const rows: Record<string, unknown>[] = [];

for (const size of SIZES) {
  const rounds = Number(process.argv[2] ?? (size >= 10_000 ? 40 : 200));
  const hosts = hostsOf(size);
  const input = inputOf(TEMPLATE, {hosts, pods: podsOf(hosts)});
  const request = {template: TEMPLATE, variables: {...input.variables, hosts: Object.fromEntries(hosts)}};

  const frozen = frozenByApp([...hosts]);
  const renderAlone = () =>
    compiled.render(
      new Run({deadlineMs: Number.POSITIVE_INFINITY, nowMs: () => 0, seed: 1, tracksLines: false}),
      name => (name === 'hosts' ? frozen : undefined),
    ).text;
  const expected = (await jinja.ask(request)).text;
  assert.equal(renderAlone(), expected);
  assert.equal(await renderer.render(input, never), `${expected.replace(/\n+$/, '')}\n`);

  await measure(rounds, renderAlone);
  await measure(rounds, () => renderer.render(input, never));
  const jinjaTimes: number[] = [];
  let jinjaBytes = 0;
  const requestMs = await measure(rounds, () => renderer.render(input, never));
  const jinjaRequestMs = await measure(rounds, async () => {
    const {renderMs, rssBytes} = await jinja.ask(request);
    jinjaTimes.push(renderMs);
    jinjaBytes = rssBytes;
  });
  rows.push({
    hosts: size,
    'render ms': (await measure(rounds, renderAlone)).toFixed(3),
    'jinja2 render ms': median(jinjaTimes).toFixed(3),
    'request ms': requestMs.toFixed(2),
    'jinja2 request ms': jinjaRequestMs.toFixed(2),
    'child MiB': residentMiB(renderer.pid).toFixed(0),
    'jinja2 MiB': (jinjaBytes / 1024 / 1024).toFixed(0),
  });
}
console.table(rows);
