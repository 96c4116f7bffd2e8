import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {isIP} from 'node:net';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {openProcessTable} from '../../src/jobs/proc.ts';
import {parseServersState} from '../../src/proxy/answers.ts';
import {parseBinds, tcpPorts} from '../../src/proxy/binds.ts';
import {parseOutline} from '../../src/proxy/outline.ts';
import {ask} from '../../src/proxy/runtime.ts';
import {isSameIp} from '../../src/proxy/server-line.ts';
import {startProxy} from '../proxy/real-proxy.ts';
import {openFolder} from '../support/folder.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {fc} from '../support/properties.ts';
import {budget} from './budget.ts';

const PER_TEXT = 40;

/** One character of a word, written in one of the ways that HAProxy may read, or refuse. */
const written = fc.oneof(
  {weight: 30, arbitrary: fc.constant('plain')},
  {weight: 1, arbitrary: fc.constantFrom('double', 'single', 'escaped', 'hex')},
);

const writeAs = (character: string, how: string): string => {
  switch (how) {
    case 'double':
      return `"${character}"`;
    case 'single':
      return `'${character}'`;
    case 'escaped':
      return `\\${character}`;
    case 'hex':
      return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
    default:
      return character;
  }
};

/** A word as somebody may have written it. */
const wordOf = (word: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(word, fc.constantFrom('', '', '', '"', "'"), fc.array(written, {minLength: 40, maxLength: 40}))
    .map(([text, quote, ways]) =>
      quote === ''
        ? [...text].map((character, index) => writeAs(character, ways[index] ?? 'plain')).join('')
        : quote + text + quote,
    );

const BLANKS = fc.constantFrom(' ', ' ', '  ', '\t', ' \t ', '\v', '\f');
const END = fc.constantFrom('', '', ' ', '\t', ' # bind :1', '#x', '\r', ' \r', ' "#"', "''");

const HOSTS = [
  '*',
  '',
  '0.0.0.0',
  '127.0.0.1',
  '127.1',
  '[::1]',
  '::1',
  '[::]',
  '::',
  'ipv4@',
  'ipv4@127.0.0.1',
  'ipv6@',
  'ipv6@::1',
  'ipv6@[::1]',
  'tcp@',
  'localhost',
  '[127.0.0.1]',
  'ipv4@::1',
  '*:',
  '@',
  'x',
];
const PORTS = fc.oneof(
  {weight: 10, arbitrary: fc.constant('')},
  {weight: 1, arbitrary: fc.constantFrom('+', '-', '0', '00', 'x', ' ')},
);
const AFTER = fc.oneof(
  {weight: 5, arbitrary: fc.constant('')},
  {weight: 1, arbitrary: fc.constantFrom('x', '-', '-PORT', ' ', '.5')},
);

/** `PORT` becomes a port of this line's own. */
const address = fc
  .tuple(fc.constantFrom(...HOSTS), PORTS, AFTER)
  .map(([host, before, after]) => `${host}:${before}PORT${after}`);
const addresses = fc.array(address, {minLength: 1, maxLength: 2}).map(list => list.join(','));

const bindLine = fc
  .tuple(BLANKS, BLANKS, wordOf(addresses), END)
  .map(([indent, gap, word, end]) => `${indent}bind${gap}${word}${end}`);

const serverAddress = fc.constantFrom(
  '10.0.0.1:PORT',
  '10.0.0.1',
  '10.0.0.1:',
  '[fd00::1]:PORT',
  'fd00::1:PORT',
  'fd00::1',
  '10.0.0.1:+1',
  '10.0.0.1:-1',
  'ipv4@10.0.0.1:PORT',
  'ipv6@fd00::1:PORT',
  '::1',
  '10.1:PORT',
  '[10.0.0.1]:PORT',
  '::ffff:10.0.0.1:PORT',
);
const option = fc.constantFrom(
  '',
  'weight 5',
  'weight 0',
  'disabled',
  'enabled disabled',
  'disabled enabled',
  'weight 3 weight 9',
  'backup',
  '# disabled',
  '"disabled"',
  "wei'ght' 4",
  'dis\\abled',
);
const serverLine = fc
  .tuple(BLANKS, wordOf(fc.constant('NAME')), wordOf(serverAddress), option, option, END)
  .map(([gap, name, at, first, second, end]) => ` server${gap}${name}${gap}${at} ${first} ${second}${end}`);

const line = fc.oneof(bindLine, serverLine);

const HEAD =
  'defaults\n mode tcp\n timeout client 1s\n timeout server 1s\n timeout connect 1s\nlisten alive\n bind 127.0.0.1:9999\n';

const textOf = (lines: readonly (string | undefined)[]): string =>
  HEAD +
  lines
    .map((one, index) => {
      const own = (one ?? '').replaceAll('PORT', String(10_000 + 2 * index)).replaceAll('NAME', `s${index}`);
      // A `listen` without a bind is refused by 1.7.
      return `${one?.startsWith(' server') ? 'backend' : 'listen'} l${index}\n${own}\n`;
    })
    .join('');

/** Leaves out what HAProxy refuses, by the lines that it names, until it takes the rest. */
async function takenBy(folder: string, lines: readonly string[]): Promise<(string | undefined)[]> {
  const path = join(folder, 'proxy.cfg');
  const left: (string | undefined)[] = [...lines];
  for (;;) {
    await writeFile(path, textOf(left));
    const {status, stderr} = spawnSync(haproxyBinary, ['-c', '-f', path], {encoding: 'utf8'});
    if (status === 0) return left;
    const numbers = [...stderr.matchAll(/proxy\.cfg:(\d+)/g)].map(([, number]) => Number(number));
    const names = [...stderr.matchAll(/'l(\d+)'/g)].map(([, number]) => Number(number));
    const headLines = HEAD.split('\n').length - 1;
    const refused = [...numbers.map(number => Math.floor((number - 1 - headLines) / 2)), ...names];
    const before = left.filter(one => one !== undefined).length;
    for (const index of refused) left[index] = undefined;
    assert.ok(left.filter(one => one !== undefined).length < before, stderr);
  }
}

describe('HAProxy reads', {skip: missing('haproxy', 'netns', 'root'), timeout: 900_000}, () => {
  test('lines written in any way that it takes -> we read the ports and servers that it does', async t => {
    const compared = {lines: 0, ports: 0, servers: 0};
    await using folder = await openFolder();
    const table = openProcessTable();
    await fc.assert(
      fc.asyncProperty(fc.array(line, {minLength: PER_TEXT, maxLength: PER_TEXT}), async lines => {
        const taken = await takenBy(folder.path, lines);
        const text = textOf(taken);
        await using proxy = await startProxy(text);
        compared.lines += lines.length;
        const open = await table.listeningPorts(proxy.pid);
        for (const [index, one] of taken.entries()) {
          const isOwn = (port: number) => port === 10_000 + 2 * index || port === 10_001 + 2 * index;
          const section = `l${index}`;
          const binds = parseBinds(text).filter(bind => bind.section.name === section);
          // What the text does not say to us may be anything.
          if (binds.some(bind => bind.is === 'unresolved' || (bind.is === 'tcp' && !isOwn(bind.from)))) continue;
          compared.ports += tcpPorts(binds).length;
          assert.deepEqual(tcpPorts(binds), open.filter(isOwn), `${section}: ${JSON.stringify(one)}`);
        }
        const rows = parseServersState(await ask(proxy.socket, 'show servers state', {timeoutMs: 5000}));
        for (const {name, servers} of parseOutline(text).backends) {
          const own = rows.filter(row => row.be_name === name);
          const shown = JSON.stringify(taken[Number(name.slice(1))]);
          assert.deepEqual(
            servers.map(server => server.name),
            own.map(row => row.srv_name),
            shown,
          );
          compared.servers += servers.length;
          for (const [index, {address: at, weight, disabled}] of servers.entries()) {
            const row = own[index];
            assert.equal(String(weight), row?.srv_uweight, shown);
            assert.equal(disabled, (Number(row?.srv_admin_state) & 0b101) !== 0, shown);
            if (at.is !== 'literal') continue;
            assert.ok(
              isIP(at.ip) !== 0 && isSameIp(row?.srv_addr ?? '', at.ip),
              `${shown}: ${at.ip}, ${row?.srv_addr}`,
            );
            if (!at.mapped && row?.srv_port !== undefined) assert.equal(String(Number(at.port)), row.srv_port, shown);
          }
        }
      }),
      {...budget(5), endOnFailure: true},
    );
    t.diagnostic(JSON.stringify(compared));
    assert.ok(compared.ports > 0 && compared.servers > 0);
  });
});
