import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveInheritance} from '../../src/reload/inherited-sockets.ts';
import {deriveListeners, isV6OnlyAt} from '../../src/reload/listeners.ts';

const show = (bind: string, bindV6Only = false) =>
  deriveListeners(`frontend f\n  bind ${bind}\n`, {bindV6Only}).map(({address, sockets, obstacle}) => [
    address,
    obstacle ?? sockets.map(({host, port, v6only}) => `${host} ${port}${v6only ? ' v6only' : ''}`).join(', '),
  ]);

const CASES: readonly (readonly [string, readonly (readonly string[])[]])[] = [
  ['*:80', [['*:80', '0.0.0.0 80']]],
  [':80', [['*:80', '0.0.0.0 80']]],
  ['127.0.0.1:80-82', [['127.0.0.1:80-82', '127.0.0.1 80, 127.0.0.1 81, 127.0.0.1 82']]],
  [':::80', [['[::]:80', ':: 80']]],
  ['[::]:80 v6only', [['[::]:80', ':: 80 v6only']]],
  ['[::1]:80 v4v6', [['[::1]:80', '::1 80']]],
  [
    '*:80,[::1]:81 ssl',
    [
      ['*:80', '0.0.0.0 80'],
      ['[::1]:81', '::1 81'],
    ],
  ],
  ['*:80 interface eth0', [['*:80', '"interface" is HAProxy\'s to set']]],
  ['*:80 transparent', [['*:80', '"transparent" is HAProxy\'s to set']]],
  ['localhost:80', [['localhost:80', 'its name is resolved by HAProxy']]],
  ['*:8000-8100', [['*:8000-8100', 'it is a range of more than 64 ports']]],
  [
    '*:80,*:80',
    [
      ['*:80', '0.0.0.0 80'],
      ['*:80', 'another bind has the same address'],
    ],
  ],
  ['/run/a.sock', []],
  ['abns@x', []],
];

describe('listeners of a text', () => {
  for (const [bind, expected] of CASES) {
    test(`bind ${bind} -> ${expected.map(one => one[1]).join('; ') || 'none'}`, () => {
      assert.deepEqual(show(bind), expected);
    });
  }

  test('net.ipv6.bindv6only is 1 -> counts where the line says nothing', () => {
    assert.deepEqual(show('[::]:80', true), [['[::]:80', ':: 80 v6only']]);
    assert.deepEqual(show('[::]:80 v4v6', true), [['[::]:80', ':: 80']]);
  });

  test('inheritance -> descriptors from 3 in the order of the text, for later texts with the same binds too', () => {
    const text = 'frontend f\n  bind *:80\n  bind /x\n  bind *:90-91\n';
    const inheritance = deriveInheritance(deriveListeners(text, {bindV6Only: false}));
    assert.equal(inheritance.sockets.length, 3);
    assert.equal(inheritance.rewrite(text), 'frontend f\n  bind fd@3\n  bind /x\n  bind fd@4,fd@5\n');
    assert.equal(
      inheritance.rewrite(`# a line more\n${text}`),
      '# a line more\nfrontend f\n  bind fd@3\n  bind /x\n  bind fd@4,fd@5\n',
    );
  });
});

test('a port at all addresses of IPv6 -> without IPv4 where the text or the kernel says so', () => {
  const isV6Only = (binds: string, bindV6Only = false) => isV6OnlyAt(`frontend f\n  bind ${binds}\n`, 80, {bindV6Only});
  assert.equal(isV6Only(':::80 v6only'), true);
  assert.equal(isV6Only(':::70-80 v6only'), true);
  assert.equal(isV6Only(':::80'), false);
  assert.equal(isV6Only(':::80', true), true);
  assert.equal(isV6Only(':::80 v4v6', true), false);
  assert.equal(isV6Only(':::81 v6only'), false);
  assert.equal(isV6Only('*:80'), false);
  assert.equal(isV6Only('[::1]:80 v6only'), false);
});
