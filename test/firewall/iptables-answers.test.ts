import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveRefusal, parseVariant} from '../../src/firewall/iptables-answers.ts';

describe('refusal', () => {
  const cases: [string, RegExp][] = [
    [
      'iptables-save v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)',
      /NET_ADMIN/,
    ],
    ["Fatal: can't open lock file /run/xtables.lock: Permission denied", /lock file/],
    ['Another app is currently holding the xtables lock; still 1s 0us time ahead to have a chance', /holds the lock/],
    ["iptables-restore v1.6.0: Couldn't load match `time':No such file or directory", /xt_time/],
    [
      'Warning: Extension time revision 0 not supported, missing kernel module?\niptables-restore: line 5 failed',
      /xt_time/,
    ],
  ];
  for (const [stderr, expected] of cases) {
    test(`${stderr.slice(0, 60)} -> ${expected.source}`, () => {
      assert.match(deriveRefusal(stderr) ?? '', expected);
    });
  }

  test('anything else -> not known', () => {
    assert.equal(deriveRefusal('iptables-restore: line 4 failed'), undefined);
  });
});

describe('variant', () => {
  test('version lines of 1.8 and before, and none -> kind and number', () => {
    assert.equal(parseVariant('iptables v1.8.9 (nf_tables)\n'), 'nf_tables 1.8.9');
    assert.equal(parseVariant('ip6tables v1.8.9 (legacy)\n'), 'legacy 1.8.9');
    assert.equal(parseVariant('iptables v1.6.0\n'), 'legacy 1.6.0');
    assert.equal(parseVariant(''), 'legacy of unknown version');
  });
});
