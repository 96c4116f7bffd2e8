import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {parseServedPorts} from '../../src/proxy/served.ts';

const CASES: readonly (readonly [string, string, readonly number[] | undefined])[] = [
  ['frontends and ranges', 'frontend a\n bind :80\nlisten b\n bind :90-92\n', [80, 90, 91, 92]],
  ['a disabled section', 'frontend a\n bind :80\n disabled\nfrontend b\n bind :81\n', [81]],
  ['disabled, then enabled', 'frontend a\n disabled\n bind :80\n enabled\n', [80]],
  ['disabled by defaults', 'defaults\n disabled\nfrontend a\n bind :80\nfrontend b\n enabled\n bind :81\n', [81]],
  ['defaults that end it', 'defaults\n disabled\nfrontend a\n bind :80\ndefaults\nfrontend b\n bind :81\n', [81]],
  ['a bind in a backend', 'backend a\n bind :80\n', [80]],
  [
    'peers and runtime sockets',
    'global\n localpeer x\n stats socket ipv4@:9\npeers p\n peer x :1024\nlisten a\n bind :80\n',
    [80],
  ],
  ['another namespace', 'listen a\n bind :80 namespace blue\n bind :81\n', [81]],
  ['UNIX sockets alone', 'listen a\n bind /run/a.sock\n', []],
  ['a variable', 'listen a\n bind ":$PORT"\n bind :80\n', [80]],
  ['a condition', '.if defined(X)\nlisten a\n bind :80\n.endif\n', undefined],
];

describe('served ports', () => {
  for (const [name, text, ports] of CASES) {
    test(`${name} -> ${ports?.join(', ') ?? 'not known'}`, () => assert.deepEqual(parseServedPorts(text), ports));
  }
});
