// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HAProxy's variables look the same
import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Address} from '../../src/proxy/address.ts';
import {type BindOptions, parseBinds, tcpPorts} from '../../src/proxy/binds.ts';

const tcp = (host: string, family: 4 | 6 | undefined, from: number, to = from): Address => ({
  is: 'tcp',
  host,
  family,
  from,
  to,
});
const unix = (path: string): Address => ({is: 'unix', path});
const unresolved = (text: string): Address => ({is: 'unresolved', text});

const addressesOf = (text: string, options?: BindOptions): Address[] =>
  parseBinds(text, options).map(({section: _section, line: _line, options: _options, ...address}) => address);

const portsOf = (text: string, options?: BindOptions): number[] => tcpPorts(parseBinds(text, options));

describe('bind line of a frontend', () => {
  const rows: [string, Address[], BindOptions?][] = [
    ['bind *:80', [tcp('*', 4, 80)]],
    ['bind :80', [tcp('*', 4, 80)]],
    ['  bind\t*:80  ', [tcp('*', 4, 80)]],
    ['bind 0.0.0.0:443 ssl crt x', [tcp('*', 4, 443)]],
    ['bind 10.1.2.3:443', [tcp('10.1.2.3', 4, 443)]],
    ['bind :::8080', [tcp('*', 6, 8080)]],
    ['bind [::]:80', [tcp('*', 6, 80)]],
    ['bind [::]:80 v4v6', [tcp('*', 6, 80)]],
    ['bind [::1]:80 v6only', [tcp('::1', 6, 80)]],
    ['bind ::1:80', [tcp('::1', 6, 80)]],
    ['bind 2001:db8::17:80', [tcp('2001:db8::17', 6, 80)]],
    ['bind [::ffff:10.0.0.1]:80', [tcp('::ffff:10.0.0.1', 6, 80)]],
    ['bind ipv4@:80', [tcp('*', 4, 80)]],
    ['bind ipv4@10.0.0.1:80', [tcp('10.0.0.1', 4, 80)]],
    ['bind ipv6@:80', [tcp('*', 6, 80)]],
    ['bind ipv6@*:80', [tcp('*', 6, 80)]],
    ['bind ipv6@[::1]:80', [tcp('::1', 6, 80)]],
    ['bind ipv6@10.0.0.1:80', [unresolved('ipv6@10.0.0.1:80')]],
    ['bind tcp@10.0.0.1:80', [tcp('10.0.0.1', 4, 80)]],
    ['bind tcp6@:80', [tcp('*', 6, 80)]],
    ['bind stream+ip@10.0.0.1:80', [tcp('10.0.0.1', 4, 80)]],
    ['bind localhost:80', [tcp('localhost', undefined, 80)]],
    ['bind ipv4@proxy-1.local:80', [tcp('proxy-1.local', 4, 80)]],
    ['bind :8000-8010', [tcp('*', 4, 8000, 8010)]],
    ['bind [::1]:65534-65535', [tcp('::1', 6, 65534, 65535)]],
    ['bind *:80,*:443', [tcp('*', 4, 80), tcp('*', 4, 443)]],
    ['bind *:80,:::81,/var/run/x.sock', [tcp('*', 4, 80), tcp('*', 6, 81), unix('/var/run/x.sock')]],
    ['bind :80,:8000-8001,', [tcp('*', 4, 80), tcp('*', 4, 8000, 8001)]],
    ['bind /var/run/x.sock mode 600', [unix('/var/run/x.sock')]],
    ['bind unix@x.sock', [unix('x.sock')]],
    ['bind abns@name', [{is: 'abstract', address: 'abns@name'}]],
    ['bind abnsz@name', [{is: 'abstract', address: 'abnsz@name'}]],
    [
      'bind stream+abns@a,abns@b',
      [
        {is: 'abstract', address: 'abns@a'},
        {is: 'abstract', address: 'abns@b'},
      ],
    ],
    ['bind "abns@${NAME}"', [{is: 'abstract', address: 'abns@${NAME}'}]],
    ['bind "abns@${NAME}"', [{is: 'abstract', address: 'abns@x'}], {env: {NAME: 'x'}}],
    ['bind uxst@/x.sock', [unix('/x.sock')]],
    ['bind stream+/x.sock', [unix('/x.sock')]],
    ['bind stream+:80', [tcp('*', 4, 80)]],
    ['bind mptcp@:80', [{is: 'tcp', host: '*', family: 4, from: 80, to: 80, multipath: true}]],
    ['bind mptcp6@[::1]:80', [{is: 'tcp', host: '::1', family: 6, from: 80, to: 80, multipath: true}]],
    ['bind mptcp4@[::1]:80', [unresolved('mptcp4@[::1]:80')]],
    ['bind sockpair@7', [{is: 'other', text: 'sockpair@7'}]],
    ['bind rhttp@b/s', [{is: 'other', text: 'rhttp@b/s'}]],
    ['bind quic+ip@:443', [{is: 'other', text: 'quic+ip@:443'}]],
    ['bind dgram+:53', [{is: 'other', text: 'dgram+:53'}]],
    ['bind uxdg@/x.sock', [{is: 'other', text: 'uxdg@/x.sock'}]],
    ['bind fd@7', [{is: 'fd', fd: 7}]],
    ['bind fd@seven', [unresolved('fd@seven')]],
    ['bind "fd@${FD}"', [unresolved('fd@${FD}')]],
    ['bind "fd@${FD}"', [{is: 'fd', fd: 9}], {env: {FD: '9'}}],
    ['bind "*:${PORT}"', [unresolved('*:${PORT}')]],
    ['bind "*:${PORT}"', [tcp('*', 4, 8080)], {env: {PORT: '8080'}}],
    ['bind "*:$PORT" ssl', [tcp('*', 4, 8080)], {env: {PORT: '8080'}}],
    ['bind *:$PORT,*:81', [tcp('*', 4, 8080), tcp('*', 4, 81)], {env: {PORT: '8080'}}],
    ['bind *:81,"*:$PORT"', [tcp('*', 4, 81), unresolved('*:$PORT')]],
    ['bind "$BINDS"', [tcp('*', 4, 80), tcp('*', 4, 81)], {env: {BINDS: ':80,:81'}}],
    ['bind "*:${PORT-8080}"', [tcp('*', 4, 8080)], {env: {}}],
    [`bind '127.0.0.1:80'`, [tcp('127.0.0.1', 4, 80)]],
    ['bind 127.0.0.1:8"0"', [tcp('127.0.0.1', 4, 80)]],
    [String.raw`bind \x3a80`, [tcp('*', 4, 80)]],
    ['bind *:80#,*:81', [tcp('*', 4, 80)]],
    ['bind *:80x', [tcp('*', 4, 80)]],
    ['bind *:0', [unresolved('*:0')]],
    ['bind *:65536', [unresolved('*:65536')]],
    ['bind *:81-80', [unresolved('*:81-80')]],
    ['bind *:80-', [unresolved('*:80-')]],
    ['bind *:+80', [unresolved('*:+80')]],
    ['bind 10.0.0.1', [unresolved('10.0.0.1')]],
    ['bind [::1]', [unresolved('[::1]')]],
    ['bind 80', [unresolved('80')]],
    ['bind quic4@:443', [{is: 'other', text: 'quic4@:443'}]],
    ['bind udp@:53', [{is: 'other', text: 'udp@:53'}]],
    ['bind', []],
    ['# bind *:80', []],
    ['bind-process 1', []],
    ['server bindhost 10.0.0.1:80', []],
    ['server bind 10.0.0.1:80 # bind *:81', []],
    ['acl bind dst_port 80', []],
    ['"" bind *:80', []],
  ];
  for (const [line, addresses, options] of rows) {
    const given = options === undefined ? '' : ` with ${JSON.stringify(options)}`;
    test(`${line}${given} -> ${JSON.stringify(addresses)}`, () => {
      assert.deepEqual(addressesOf(`frontend f\n${line}\n`, options), addresses);
    });
  }
});

test('old fault 3, binds the old stack parsed wrongly -> the ports HAProxy listens on, no other', () => {
  const text = `
frontend web
    bind 0.0.0.0:443 ssl crt x   # bind 1.1.1.1:1
    bind :::8080
    bind [::]:8081
    bind 10.0.0.1:9000-9002
    bind *:80,*:8443,/var/run/web.sock
    # bind *:2
backend app
    server bindhost 10.0.0.2:3
    server s1 10.0.0.3:4 check
`;
  assert.deepEqual(portsOf(text), [80, 443, 8080, 8081, 8443, 9000, 9001, 9002]);
});

test('bind, its place -> section, line and options come with it', () => {
  const [bind] = parseBinds('global\n\nlisten web\n    # the door\n    bind :443 ssl crt "/a b.pem"\n');
  assert.deepEqual(bind, {
    ...tcp('*', 4, 443),
    section: {kind: 'listen', name: 'web'},
    line: 5,
    options: ['ssl', 'crt', '/a b.pem'],
  });
});

test('bind, by section -> HAProxy listens wherever it takes the word', () => {
  const sections = [
    'global',
    'defaults',
    'userlist u',
    'resolvers r',
    'listen l',
    'frontend f',
    'backend b',
    'log-forward g',
  ];
  const text = sections.map((section, index) => `${section}\n    bind :${80 + index}\n`).join('');
  assert.deepEqual(portsOf(text), [84, 85, 86, 87]);
});

test('section line with addresses -> none of them is listened on', () => {
  assert.deepEqual(portsOf('listen a :80,:81\nfrontend b :82\nfrontend c from base\n    bind :83\n'), [83]);
});

test('peers, local peer known -> its address and the binds count', () => {
  const text = `
peers mine
    bind :1023
    peer proxy-1 10.0.0.1:1024
    peer proxy-2 10.0.0.2:1025
    server proxy-1 10.0.0.1:1026
`;
  assert.deepEqual(portsOf(text), [1023]);
  assert.deepEqual(portsOf(text, {localPeer: 'proxy-1'}), [1023, 1024, 1026]);
  assert.deepEqual(portsOf(`global\n    localpeer proxy-2\n${text}`, {localPeer: 'proxy-1'}), [1023, 1025]);
});

test('stats socket -> counts as listening, in section global', () => {
  const binds = parseBinds('global\n    stats socket /run/h.sock level admin\n    stats socket ipv4@127.0.0.1:9999\n');
  assert.deepEqual(
    binds.map(bind => [bind.section.kind, bind.is]),
    [
      ['global', 'unix'],
      ['global', 'tcp'],
    ],
  );
});

test('tcpPorts, overlapping binds -> ascending, each once', () => {
  assert.deepEqual(portsOf('listen a\n    bind :82,:80-82\n    bind [::]:80 v6only\n    bind fd@3\n'), [80, 81, 82]);
});
