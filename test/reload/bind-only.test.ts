import assert from 'node:assert/strict';
import {once} from 'node:events';
import {connect, createServer} from 'node:net';
import {describe, test} from 'node:test';
import {openLog} from '../../src/ports/log.ts';
import {type BoundSocket, bindOnly, probeBindOnly} from '../../src/reload/bind-only.ts';
import {createOwnedSockets} from '../../src/reload/owned-sockets.ts';
import {freePort} from '../support/free-port.ts';

const log = openLog('info', {write: () => {}}).log;
const at = (port: number, host = '127.0.0.1') => ({host, port, v6only: false});

describe('sockets that are bound and do not listen', () => {
  test('the probe -> this Node can', () => assert.equal(probeBindOnly(), undefined));

  test('bound -> nobody is let in, the port can be bound again', async () => {
    const port = await freePort();
    const [first, second] = [bindOnly(at(port)), bindOnly(at(port))];
    assert.notEqual(first.descriptor, second.descriptor);
    const [error] = await once(connect(port, '127.0.0.1'), 'error');
    assert.equal(error.code, 'ECONNREFUSED');
    for (const socket of [first, second]) socket.close();
  });

  test('a port in use -> refused with the reason, not another port', async () => {
    const port = await freePort();
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    assert.throws(() => bindOnly(at(port)), /cannot bind 127\.0\.0\.1:\d+: EADDRINUSE/);
    server.close();
  });

  test('an address that is not ours -> refused with the reason', () => {
    assert.throws(() => bindOnly(at(80, '192.0.2.1')), /cannot bind 192\.0\.2\.1:80: EADDRNOTAVAIL/);
    assert.throws(() => bindOnly(at(80, '2001:db8::1')), /cannot bind \[2001:db8::1\]:80: E/);
  });
});

describe('ownedSockets', () => {
  const fakes = () => {
    const open = new Set<string>();
    let descriptor = 10;
    const bind = ({host, port}: {host: string; port: number}): BoundSocket => {
      if (port === 666) throw new Error('cannot bind it: EADDRINUSE');
      const name = `${host} ${port} ${++descriptor}`;
      open.add(name);
      return {descriptor, close: () => void open.delete(name)};
    };
    return {open, ownedSockets: createOwnedSockets({bind, log})};
  };

  test('held again -> the same socket', () => {
    const {ownedSockets, open} = fakes();
    ownedSockets.obtain([at(1), at(2)]);
    ownedSockets.obtain([at(2), at(3)]);
    assert.equal(open.size, 3);
    assert.deepEqual(ownedSockets.descriptors([at(3), at(1)]), [13, 11]);
  });

  test('one that cannot be had -> its reason, the others are held', () => {
    const {ownedSockets} = fakes();
    assert.deepEqual(
      [...ownedSockets.obtain([at(1), at(666)])],
      [['127.0.0.1 666 false', 'cannot bind it: EADDRINUSE']],
    );
    assert.equal(ownedSockets.size, 1);
    assert.throws(() => ownedSockets.descriptors([at(666)]), /cannot start HAProxy: cannot bind it/);
  });

  test('kept -> all others are closed; wanted again -> bound again', () => {
    const {ownedSockets, open} = fakes();
    ownedSockets.obtain([at(1), at(2)]);
    ownedSockets.keepOnly([at(2)]);
    assert.deepEqual([...open], ['127.0.0.1 2 12']);
    assert.deepEqual(ownedSockets.descriptors([at(1)]), [13]);
  });
});
