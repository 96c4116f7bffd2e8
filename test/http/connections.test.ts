import assert from 'node:assert/strict';
import {EventEmitter} from 'node:events';
import {beforeEach, describe, test} from 'node:test';
import {boundConnections} from '../../src/http/connections.ts';

describe('connections of a port', () => {
  let server: EventEmitter;
  let cut: string[];
  const connect = (name: string, remoteAddress: string): EventEmitter => {
    const socket = Object.assign(new EventEmitter(), {
      remoteAddress,
      destroyed: false,
      destroy() {
        socket.destroyed = true;
        cut.push(name);
        queueMicrotask(() => socket.emit('close'));
      },
    });
    server.emit('connection', socket);
    return socket;
  };

  beforeEach(() => {
    server = new EventEmitter();
    cut = [];
    boundConnections(server as never, 3);
  });

  test('as many as there may be -> all stay', () => {
    for (const name of ['a', 'b', 'c']) connect(name, '10.0.0.1');
    assert.deepEqual(cut, []);
  });

  test('one more -> whoever has the most loses its oldest, the new one is in', () => {
    connect('probe', '10.0.0.2');
    for (const name of ['a', 'b', 'c']) connect(name, '10.0.0.1');
    assert.deepEqual(cut, ['a']);
  });

  test('as many from each address -> the one that was there first goes, not the new one', () => {
    for (const name of ['a', 'b', 'c', 'd']) connect(name, `10.0.0.${name}`);
    assert.deepEqual(cut, ['a']);
  });

  test('all but one of an address were closed -> that one counts still', () => {
    const [first, second] = ['a', 'b', 'c'].map(name => connect(name, '10.0.0.1'));
    for (const closed of [first, second]) closed?.emit('close');
    connect('d', '10.0.0.1');
    connect('e', '10.0.0.2');
    connect('f', '10.0.0.3');
    assert.deepEqual(cut, ['c']);
  });

  test('two more at once -> the second one does not count on the one that is being closed', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) connect(name, '10.0.0.1');
    assert.deepEqual(cut, ['a', 'b']);
    await Promise.resolve();
    connect('f', '10.0.0.1');
    assert.deepEqual(cut, ['a', 'b', 'c']);
  });

  test('one that was closed -> makes room', () => {
    const first = connect('a', '10.0.0.1');
    for (const name of ['b', 'c']) connect(name, '10.0.0.1');
    first.emit('close');
    connect('d', '10.0.0.2');
    assert.deepEqual(cut, []);
  });
});
