import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {isOwnHost} from '../../src/http/host-check.ts';
import {createStatus} from '../../src/http/status.ts';
import {openLog} from '../../src/ports/log.ts';
import {createStatusPorts} from './status-ports.ts';

const NAMES = ['proxy-1', 'status.example.test'];
const {log} = openLog('error', {write: () => {}});

describe('the name that a request is for', () => {
  for (const host of [
    ...['localhost', 'LOCALHOST:8001', 'app.localhost:8001', '127.0.0.1', '127.0.0.1:8001', '10.2.0.17', '[::1]:8001'],
    ...['[fd00::1]', 'proxy-1', 'Proxy-1:8001', 'status.example.test'],
  ]) {
    test(`${host} -> ours`, () => assert.ok(isOwnHost(host, NAMES)));
  }

  for (const host of [
    ...['rebound.example', 'localhost.example', 'xlocalhost', 'proxy-1.example', '127.0.0.1.nip.io', '127.0.0.1@evil'],
    ...['', ':8001', '[::1', '[evil]', 'localhost:8001:1', 'localhost evil', '127.1', '0x7f.1', '2130706433'],
  ]) {
    test(`"${host}" -> not ours`, () => assert.ok(!isOwnHost(host, NAMES)));
  }
});

describe('a page that points a name of its own at loopback', () => {
  const app = createStatus({...createStatusPorts(log), hostNames: NAMES});
  const ask = (url: string, host: string, remoteAddress = '127.0.0.1') =>
    app.inject({url, headers: {host}, remoteAddress});

  test('anything but the probes -> 421 that says what to do', async () => {
    const paths = ['/', '/status', '/members', '/members/gone', '/hosts', '/config', '/config/diff?from=1', '/history'];
    for (const url of [
      ...paths,
      '/history/1',
      '/traffic',
      '/logs',
      '/events',
      '/metrics',
      '/openapi.json',
      '/nothing',
    ]) {
      for (const from of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
        const answer = await ask(url, 'rebound.example:8001', from);
        assert.equal(answer.statusCode, 421, url);
        assert.match(answer.json().reason, /^"rebound\.example:8001" is no name of this pod: .*KONTROL_STATUS_HOSTS$/);
      }
      assert.notEqual((await ask(url, 'localhost:8001')).statusCode, 421, url);
    }
    for (const url of ['/reconfigure', '/rollback?pass=1', '/release']) {
      const answer = await app.inject({method: 'POST', url, headers: {host: 'rebound.example'}});
      assert.equal(answer.statusCode, 421, url);
    }
  });

  test('probes, by any name -> answered', async () => {
    for (const url of ['/livez', '/readyz']) assert.equal((await ask(url, 'rebound.example')).statusCode, 200);
  });

  test('names of the setting, and from afar any name -> answered', async () => {
    assert.equal((await ask('/status', 'status.example.test')).statusCode, 200);
    assert.equal((await ask('/status', 'proxy.default.svc', '10.2.0.9')).statusCode, 200);
  });
});
