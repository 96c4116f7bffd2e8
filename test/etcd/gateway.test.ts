import assert from 'node:assert/strict';
import {writeFile} from 'node:fs/promises';
import {describe, test} from 'node:test';
import {EtcdFault} from '../../src/etcd/fault.ts';
import {type Gateway, openGateway, type Secrets} from '../../src/etcd/gateway.ts';
import {loadSecrets} from '../../src/etcd/secrets.ts';
import {openTransport} from '../../src/etcd/transport.ts';
import {parseRangeAnswer, rangeRequest} from '../../src/etcd/wire.ts';
import {systemClock as clock} from '../../src/ports/clock.ts';
import {systemFiles as files} from '../../src/ports/files.ts';
import {openLogSink} from '../members/fixtures.ts';
import {startDaemon} from '../support/daemon.ts';
import {openDoor} from '../support/door.ts';
import {startEtcd} from '../support/etcd.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';
import {webTemplate} from '../support/web.ts';
import {createCertificates} from './secured.ts';

/** Passwords are hashed slowly, and machines of tests are busy. */
const SLOW_MS = 20_000;

const NO_SECRETS: Secrets = {tls: {}, credentials: undefined};
const base64 = (text: string) => Buffer.from(text).toString('base64');
const PUT = {key: base64('/a/1'), value: base64('one')};

const open = (endpoints: readonly string[], secrets: () => Promise<Secrets> = async () => NO_SECRETS) => {
  const {log} = openLogSink();
  const gateway = openGateway({endpoints, loadSecrets: secrets, openTransport, clock, log});
  return {...gateway, [Symbol.dispose]: gateway.close} as Gateway & Disposable;
};

const valuesAt = async (gateway: Gateway) =>
  parseRangeAnswer(await gateway.ask('/kv/range', rangeRequest('/a/', {limit: 10}))).kvs.map(({value}) => value);

describe('gateway', {skip: missing('etcd'), timeout: 60_000}, () => {
  test('first endpoint refuses, second hangs -> the third answers', async () => {
    await using etcd = await startEtcd({nodes: 1});
    const [node] = etcd.nodes;
    await using door = await openDoor(node?.port ?? 0);
    door.shut();
    const dead = `http://127.0.0.1:${await freePort()}`;
    using gateway = open([dead, `http://127.0.0.1:${door.port}`, node?.url ?? '']);
    await gateway.ask('/kv/put', PUT);
    assert.deepEqual(await valuesAt(gateway), ['one']);
  });

  test('nobody answers -> unreachable, within the time limits', async () => {
    using gateway = open([`http://127.0.0.1:${await freePort()}`]);
    await assert.rejects(
      gateway.ask('/kv/range', PUT),
      (error: unknown) => error instanceof EtcdFault && error.kind === 'unreachable',
    );
  });

  test('what etcd refuses -> its reason, and the endpoint stays', async () => {
    await using etcd = await startEtcd({nodes: 1});
    using gateway = open([etcd.endpoints]);
    await assert.rejects(gateway.ask('/lease/revoke', {ID: '99'}), /lease not found/);
    await assert.rejects(gateway.ask('/kv/put', {key: ''}), /key is not provided/);
    await gateway.ask('/kv/put', PUT);
    assert.deepEqual(await valuesAt(gateway), ['one']);
  });

  test('a stream whose endpoint is left -> ends', async () => {
    await using etcd = await startEtcd({nodes: 1});
    await using door = await openDoor(etcd.nodes[0]?.port ?? 0);
    using gateway = open([`http://127.0.0.1:${door.port}`, etcd.endpoints]);
    const watch = gateway.listen('/watch', {create_request: {key: base64('/a/1')}}, new AbortController().signal);
    assert.equal((await watch.next()).done, false);
    door.shut();
    const ended = assert.rejects(watch.next(), EtcdFault);
    await gateway.ask('/kv/put', PUT);
    await ended;
  });
});

describe('secured etcd', {skip: missing('etcd', 'openssl', 'haproxy'), timeout: 120_000}, () => {
  test('TLS on both sides and a user, all by file -> answers, renewed in place too, with rights on its own keys alone; without, or with others -> refused', async () => {
    await using certificates = await createCertificates();
    const {ca, client} = certificates;
    await using etcd = await startEtcd({nodes: 1, tls: certificates});
    const userFile = `${ca}.user`;
    await writeFile(userFile, 'root:secret:with:colons\n');
    const paths = {caFile: ca, certFile: client.cert, keyFile: client.key, userFile};
    const secrets = (changes: Partial<typeof paths> | {userFile: undefined} = {}) =>
      loadSecrets({...paths, ...changes}, files);

    using plain = open([etcd.endpoints]);
    await assert.rejects(plain.ask('/kv/put', PUT), EtcdFault);
    using anonymous = open([etcd.endpoints], () => secrets({userFile: undefined}));
    await anonymous.ask('/auth/user/add', {name: 'root', password: 'secret:with:colons'}, SLOW_MS);
    await anonymous.ask('/auth/role/add', {name: 'root'}, SLOW_MS);
    await anonymous.ask('/auth/user/grant', {user: 'root', role: 'root'}, SLOW_MS);
    await anonymous.ask('/auth/enable', {}, SLOW_MS);
    await assert.rejects(anonymous.ask('/kv/put', PUT), /user name|permission denied/);

    using gateway = open([etcd.endpoints], () => secrets());
    await gateway.ask('/kv/put', PUT, SLOW_MS);
    assert.deepEqual(await valuesAt(gateway), ['one']);
    const watch = gateway.listen('/watch', {create_request: {key: base64('/a/1')}}, new AbortController().signal);
    assert.equal((await watch.next()).done, false);
    await watch.return(undefined);

    using named = open([etcd.endpoints], () =>
      secrets({certFile: certificates.named.cert, keyFile: certificates.named.key}),
    );
    await assert.rejects(named.ask('/kv/put', PUT, SLOW_MS), EtcdFault);

    // Simple tokens do not outlive the node that gave them; files are read again then.
    await gateway.ask('/auth/user/changepw', {name: 'root', password: 'renewed'}, SLOW_MS);
    await writeFile(userFile, 'root:renewed\n');
    await etcd.nodes[0]?.kill();
    etcd.nodes[0]?.start();
    const answered = await waitFor(() => valuesAt(gateway).catch(() => undefined), 'an answer with a new token', {
      timeoutMs: 30_000,
    });
    assert.deepEqual(answered, ['one']);

    await gateway.ask('/auth/role/add', {name: 'proxy'}, SLOW_MS);
    const [key, range_end] = [base64('/kontrol/shop/proxy/'), base64('/kontrol/shop/proxy0')];
    await gateway.ask('/auth/role/grant', {name: 'proxy', perm: {permType: 'READWRITE', key, range_end}}, SLOW_MS);
    await gateway.ask('/auth/user/add', {name: 'proxy', password: 'a-proxy'}, SLOW_MS);
    await gateway.ask('/auth/user/grant', {user: 'proxy', role: 'proxy'}, SLOW_MS);
    await writeFile(userFile, 'proxy:a-proxy\n');
    await using daemon = await startDaemon({
      template: webTemplate(`127.0.0.1:${await freePort()}`, 80),
      env: {
        NAMESPACE: 'shop',
        KONTROL_LABELS: '{"app": "proxy", "role": "balancer"}',
        KONTROL_ETCD: etcd.endpoints,
        KONTROL_ETCD_CA_FILE: ca,
        KONTROL_ETCD_CERT_FILE: client.cert,
        KONTROL_ETCD_KEY_FILE: client.key,
        KONTROL_ETCD_USER_FILE: userFile,
      },
    });
    await daemon.waitFor(
      ({store, ready}) => store.healthy && ready,
      'a replica with rights on its own keys alone',
      60_000,
    );
    await daemon.ping({ip: '10.9.1.1'});
    await daemon.waitFor(({hosts, inSync}) => inSync && hosts.web?.length === 1, 'its member served');
    const kept = async () => {
      const found = parseRangeAnswer(await gateway.ask('/kv/range', rangeRequest('/', {limit: 100}), SLOW_MS)).kvs;
      return found.map(one => one.key.replace('/kontrol/shop/proxy/', '').replace(/(?<=^replicas\/).*/, '<id>')).sort();
    };
    const wanted = ['/a/1', 'members/10.9.1.1', 'replicas/<id>', 'seq', 'template'];
    await waitFor(async () => (await kept()).join() === wanted.join(), 'its keys, and no others', {
      evidence: () => String(wanted),
    });
  });

  for (const [what, text, reason] of [
    ['a missing file', undefined, /there is no such file/],
    ['no password', 'root', /does not hold name:password/],
  ] as const) {
    test(`user file, ${what} -> told with its setting`, async () => {
      const readText = async () => text;
      const paths = {caFile: undefined, certFile: undefined, keyFile: undefined, userFile: '/etc/user'};
      await assert.rejects(loadSecrets(paths, {readText}), reason);
      await assert.rejects(loadSecrets(paths, {readText}), /KONTROL_ETCD_USER_FILE \/etc\/user/);
    });
  }
});
