import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {parseDownward} from '../../src/kubernetes/downward-text.ts';
import {parseCommand} from '../../src/lifecycle/command.ts';
import {matchesGlob} from '../../src/lifecycle/glob.ts';
import {parseManifest} from '../../src/lifecycle/manifest.ts';
import {parsePing} from '../../src/members/ping.ts';
import {decodeSnapshot} from '../../src/members/snapshot.ts';
import {createAddressRule} from '../../src/members/special-addresses.ts';
import {parseAccessLine} from '../../src/proxy/access-line.ts';
import {parseInfo, parseServersState, parseStat} from '../../src/proxy/answers.ts';
import {parseBinds} from '../../src/proxy/binds.ts';
import {deriveDifference} from '../../src/proxy/difference.ts';
import {redactConfiguration} from '../../src/proxy/redact.ts';
import {parseBusyPorts, parseWaitingSockets} from '../../src/proxy/sockets.ts';
import {parseSyslog} from '../../src/proxy/syslog.ts';
import {createFrameReader} from '../../src/template/frames.ts';

/** A text ten times as long may take this many times the work of ten short ones: ten times is what a square would take. */
const MAX_RATIO = 4;
const SMALL = 5000;
const LARGE = 10 * SMALL;

/** The CPU time of this thread alone: other processes and the garbage collector's threads do not count. Less is nothing. */
const UNSEEN_MS = 20;
const TRIES = 4;

/** What takes so long at the small size, which is nothing, would take minutes at the large one. */
const HOPELESS_MS = 1000;

/** What a parser throws it has declared elsewhere; here only its work counts. */
function cpuMsOf(parse: (text: string) => unknown, text: string): number {
  const before = process.threadCpuUsage();
  try {
    parse(text);
  } catch (error) {
    // One that only a long input brings about: the stack of a recursion, or of a regular expression.
    assert.ok(!(error instanceof RangeError), String(error));
  }
  const {user, system} = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/** What is repeated, and what stands before and behind it. */
const UNITS = [
  'a',
  ' ',
  '"',
  "'",
  '\\',
  '\\\\',
  '$',
  '${',
  '${a-',
  '}',
  '{',
  '[',
  ']',
  '[[',
  ':',
  '::',
  '/',
  '%',
  '#',
  ',',
  ';',
  '=',
  '-',
  '+',
  '.',
  '0',
  '1/',
  ' 1',
  '""',
  '"a",',
  '\n',
  '\r\n',
  '\n\n',
  ' \n',
  '# ',
  '*',
  '?',
  '&a ',
  'a: ',
  '- ',
  '{"a":',
  '[1,',
  'a b ',
  '<1>',
  'stats auth a:b\n',
  'user a password b\n',
  'server a 1:1\n',
  'bind :1\n',
  'a="b"\n',
  'setenv a b\n',
  ' é',
  '\ud800',
];

interface Target {
  readonly name: string;
  readonly parse: (text: string) => unknown;
  readonly heads: readonly string[];
}

const HTTP = '1.1.1.1:1 [25/Nov/2026:09:04:00.123] ';
const TARGETS: readonly Target[] = [
  {
    name: 'ping',
    parse: text => parsePing(Buffer.from(text), {remoteAddress: '::1'}, createAddressRule([], undefined)),
    heads: ['', '{"app":"', '{"payload":"'],
  },
  {name: 'control command', parse: text => parseCommand(Buffer.from(text)), heads: ['', 'GOTO ', 'SET A ', 'JOB ']},
  {name: 'glob', parse: text => matchesGlob(text.slice(0, 64), text.slice(0, 1000)), heads: ['', '*a*']},
  {name: 'show info', parse: parseInfo, heads: ['', 'Pid: 1\n']},
  {name: 'show stat', parse: parseStat, heads: ['', '# pxname,svname,\n', '# pxname,svname,\nweb,"']},
  {name: 'show servers state', parse: parseServersState, heads: ['', '1\n# ', '1\n# a\n']},
  {
    name: 'syslog line',
    parse: text => parseSyslog(Buffer.from(text)),
    heads: ['', '<1>Nov 25 09:04:00 ', '<1>Nov 25 09:04:00 haproxy[1]: '],
  },
  {
    name: 'access line',
    parse: parseAccessLine,
    heads: ['', 'Connect from ', HTTP, `${HTTP}web web/s `, `${HTTP}web/1: `],
  },
  {
    name: 'binds',
    parse: text => parseBinds(text),
    heads: ['', 'frontend f\n bind ', 'global\n', 'frontend f\n bind "'],
  },
  {
    name: 'redaction',
    parse: redactConfiguration,
    heads: ['', 'listen a\n stats auth ', 'userlist u\n user a password '],
  },
  {
    name: 'difference',
    parse: text => deriveDifference(text, `${text}\n`, {release: 2.6}),
    heads: ['', 'backend b\n'],
  },
  {
    name: 'snapshot',
    parse: text => decodeSnapshot(text, 0),
    heads: ['', '{"format":"haproxy-kontrol members","version":'],
  },
  {
    name: 'socket tables',
    parse: text => [parseWaitingSockets(text), parseBusyPorts(text)],
    heads: ['', 'LISTEN ', '0: 0: '],
  },
  {name: 'downward file', parse: parseDownward, heads: ['', 'a="']},
];

/** The `yaml` library takes a while for each line: less of it shows the same. */
const MANIFEST_SHARE = 10;

function assertLinear(parse: (text: string) => unknown, textOf: (length: number) => string, small = SMALL): void {
  const [short, long] = [textOf(small), textOf(10 * small)];
  const first = cpuMsOf(parse, short);
  if (first > HOPELESS_MS) assert.fail(`${first.toFixed(0)} ms for ${small}`);
  const tenShort = () => {
    for (let round = 0; round < 10; round += 1) cpuMsOf(parse, short);
  };
  const seen: string[] = [];
  for (let tries = 0; tries < TRIES; tries += 1) {
    const longMs = cpuMsOf(parse, long);
    if (longMs < UNSEEN_MS) return;
    const shortMs = cpuMsOf(tenShort, '');
    if (longMs < MAX_RATIO * shortMs) return;
    seen.push(`${longMs.toFixed(0)} ms, ten of a tenth ${shortMs.toFixed(0)} ms`);
  }
  assert.fail(`more than in proportion: ${seen.join('; ')}`);
}

describe('ten times the input -> work in proportion', {timeout: 600_000}, () => {
  for (const {name, parse, heads} of TARGETS) {
    test(`${name}, of anything repeated ${LARGE} characters long`, () => {
      for (const head of heads) {
        for (const unit of UNITS) {
          const textOf = (length: number) => head + unit.repeat(Math.ceil(length / unit.length));
          try {
            assertLinear(parse, textOf);
          } catch (error) {
            throw new Error(`${JSON.stringify(head)} and then ${JSON.stringify(unit)} again and again`, {cause: error});
          }
        }
      }
    });
  }

  test('manifest, of anything repeated', () => {
    for (const head of ['', 'states:\n', 'initial: "', 'a: &a [']) {
      for (const unit of [...UNITS, '- tag: a\n', '*a,', '<<: *a\n', '? ', '|\n', '!!a ']) {
        const textOf = (length: number) => head + unit.repeat(Math.ceil(length / unit.length));
        try {
          assertLinear(text => parseManifest(text, 'm'), textOf, SMALL / MANIFEST_SHARE);
        } catch (error) {
          throw new Error(`${JSON.stringify(head)} and then ${JSON.stringify(unit)} again and again`, {cause: error});
        }
      }
    }
  });

  const backend = (count: number, ip: (n: number) => string, name = (n: number) => `s${n}`): string =>
    `backend b\n${Array.from({length: count}, (_, n) => ` server ${name(n)} ${ip(n)}:80\n`).join('')}`;
  const here = (n: number) => `10.0.${(n >> 8) & 255}.${n & 255}`;
  const there = (n: number) => `10.1.${(n >> 8) & 255}.${n & 255}`;
  for (const [what, next] of [
    ['all of them moved', (count: number) => backend(count, there)],
    ['all of them replaced', (count: number) => backend(count, here, n => `t${n}`)],
    ['none of them changed', (count: number) => `${backend(count, here)}\n`],
  ] as const) {
    test(`difference of two texts with 10,000 servers, ${what}`, () => {
      const parse = (count: string) =>
        deriveDifference(backend(Number(count), here), next(Number(count)), {release: 2.6});
      assertLinear(parse, String, 1000);
    });
  }

  test('frame that announces a million texts -> refused at once', () => {
    const announced = Buffer.alloc(4);
    announced.writeUInt32LE(1_000_000);
    assert.throws(() => createFrameReader(64 << 20)(announced), RangeError);
  });
});
