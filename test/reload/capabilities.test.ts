import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {isAtLeast, probeCapabilities} from '../../src/reload/capabilities.ts';

const version = (text: string) => {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number);
  return {text, major, minor, patch};
};

const probe = (contents: Readonly<Record<string, string>>, text = '2.6.12') =>
  probeCapabilities({
    files: {readText: async path => contents[path]},
    version: version(text),
    build: 'linux-glibc',
    gate: {is: 'unable', why: 'a test'},
    bindObstacle: undefined,
  });

const STATUS = '/proc/self/status';
const MIGRATE = '/proc/sys/net/ipv4/tcp_migrate_req';
const FIRST_PORT = '/proc/sys/net/ipv4/ip_unprivileged_port_start';

describe('capabilities', () => {
  test('root with all -> everything', async () => {
    const seen = await probe({
      [STATUS]: 'Name:\tnode\nCapEff:\t000001ffffffffff\n',
      [MIGRATE]: '1\n',
      [FIRST_PORT]: '1024\n',
    });
    assert.deepEqual([seen.netAdmin, seen.lowPorts, seen.migrate, seen.haproxy.transfer], [true, true, true, true]);
  });

  test('a plain user, HAProxy 1.7.5 -> nothing', async () => {
    const seen = await probe(
      {[STATUS]: 'CapEff:\t0000000000000000\n', [MIGRATE]: '0\n', [FIRST_PORT]: '1024\n'},
      '1.7.5',
    );
    assert.deepEqual([seen.netAdmin, seen.lowPorts, seen.migrate, seen.haproxy.transfer], [false, false, false, false]);
  });

  test('Docker’s defaults -> low ports by capability, no NET_ADMIN', async () => {
    const seen = await probe({[STATUS]: 'CapEff:\t00000000a80425fb\n', [FIRST_PORT]: '1024\n'});
    assert.deepEqual([seen.netAdmin, seen.lowPorts], [false, true]);
  });

  test('low ports are free for all -> said so', async () => {
    assert.equal((await probe({[STATUS]: 'CapEff:\t0\n', [FIRST_PORT]: '0\n'})).lowPorts, true);
  });

  test('nothing can be read -> nothing is claimed', async () => {
    const seen = await probe({});
    assert.deepEqual([seen.netAdmin, seen.lowPorts, seen.migrate, seen.bindV6Only], [false, false, false, false]);
  });

  for (const [text, wanted, expected] of [
    ['1.7.5', [1, 7, 4], true],
    ['1.7.3', [1, 7, 4], false],
    ['1.8.0', [1, 8, 0], true],
    ['2.0.0', [1, 8, 0], true],
    ['2.5.9', [2, 6, 0], false],
    ['3.0.0', [2, 6, 0], true],
  ] as const) {
    test(`${text} at least ${wanted.join('.')} -> ${expected}`, () => {
      assert.equal(isAtLeast(version(text), wanted[0], wanted[1], wanted[2]), expected);
    });
  }
});
