import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {openProcessTable} from '../../src/jobs/proc.ts';
import {parseInfo, parseServersState, parseStat} from '../../src/proxy/answers.ts';
import {parseBinds, tcpPorts} from '../../src/proxy/binds.ts';
import {parseOutputLine} from '../../src/proxy/output.ts';
import {ask} from '../../src/proxy/runtime.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {missing} from '../support/parts.ts';
import {startProxy} from './real-proxy.ts';

const DEFAULTS = `
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
`;

/** A port with something behind it: refused by 3.2. */
const TAILED_PORT = haproxyIsAtLeast(3, 2) ? '' : 'bind 127.0.0.1:8120x';

const MANY_BINDS = `
global
    setenv PORT 9010
    stats socket ipv4@127.0.0.1:9001
${DEFAULTS}
peers mine
    peer here 127.0.0.1:9020
    peer there 127.0.0.1:9021
frontend web
    bind *:8080
    bind :8081 # bind :8082
    bind 0.0.0.0:8083 name x
    bind :::8084 v6only
    bind [::]:8085
    bind [::1]:8086
    bind ::1:8087
    bind ipv4@:8088
    bind ipv6@:8089 v6only
    bind ipv6@[::1]:8090
    bind localhost:8091
    bind :8100-8104
    bind 127.0.0.1:8110,127.0.0.1:8111-8112,{folder}/web.sock
    bind unix@{folder}/other.sock
    bind abns@kontrol-test
    bind "127.0.0.1:8113"
    bind 127.0.0.1:811'4'
    bind \\x3a8115
    bind "127.0.0.1:\${PORT}"
    ${TAILED_PORT}
    default_backend app
backend app
    bind :8130
    server bindhost 127.0.0.1:1
    stick-table type ip size 1k peers mine
`;

describe('real HAProxy', {skip: missing('haproxy', 'netns', 'root')}, () => {
  test('binds of a text, every form -> the ports that the process listens on', async () => {
    await using proxy = await startProxy(MANY_BINDS, ['-L', 'here']);
    const ports = tcpPorts(parseBinds(MANY_BINDS, {localPeer: 'here'}));
    assert.deepEqual(await openProcessTable().listeningPorts(proxy.pid), ports);
    assert.equal(ports.length, TAILED_PORT === '' ? 26 : 27);
  });

  test('answers, of a running proxy -> the parsers read them', async () => {
    await using proxy = await startProxy(`${DEFAULTS}listen web\n    bind :8080\n    server s1 127.0.0.1:1 check\n`);
    const answer = (command: string) => ask(proxy.socket, command, {timeoutMs: 5000});
    assert.equal(parseInfo(await answer('show info')).get('Pid'), String(proxy.pid));
    const names = parseStat(await answer('show stat')).filter(row => row.pxname === 'web');
    assert.deepEqual(
      names.map(row => row.svname),
      ['FRONTEND', 's1', 'BACKEND'],
    );
    const [server] = parseServersState(await answer('show servers state'));
    assert.deepEqual([server?.be_name, server?.srv_name, server?.srv_addr], ['web', 's1', '127.0.0.1']);
  });

  test('output, of a running proxy -> its warning is found', async () => {
    await using proxy = await startProxy('listen web\n    bind :8080\n');
    const warnings = proxy.lines.map(parseOutputLine).filter(line => line.level === 'warn');
    assert.match(warnings[0]?.text ?? '', /missing timeouts for .* 'web'/);
  });
});
