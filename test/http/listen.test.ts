import assert from 'node:assert/strict';
import {once} from 'node:events';
import {connect, createServer} from 'node:net';
import {test} from 'node:test';
import {fastify} from 'fastify';
import {listen} from '../../src/http/listen.ts';
import {systemClock} from '../../src/ports/clock.ts';
import {freePort} from '../support/free-port.ts';
import {waitFor} from '../support/wait.ts';
import {openRaw} from './raw-client.ts';

const options = {port: 0, label: 'master endpoint', clock: systemClock, maxConnections: 100};
const systemError = (code: string) => Object.assign(new Error(`bind ${code}`), {code});

test('listen, port 0 -> the bound port answers over IPv4', async () => {
  const app = fastify();
  app.get('/', () => 'here');
  const server = await listen(app, options);
  assert.ok(server.port > 0);
  assert.equal(await (await fetch(`http://127.0.0.1:${server.port}/`)).text(), 'here');
  await server.close();
});

test('listen, no IPv6 -> 0.0.0.0', async () => {
  for (const code of ['EAFNOSUPPORT', 'EADDRNOTAVAIL']) {
    const app = fastify();
    const bind = app.listen.bind(app);
    const without6 = Object.assign(app, {
      listen: (at: {host: string; port: number}) =>
        at.host === '::' ? Promise.reject(systemError(code)) : bind({port: at.port, host: at.host}),
    });
    const server = await listen(without6, options);
    assert.equal(server.address, '0.0.0.0');
    await server.close();
  }
});

test('listen, port in use -> LISTEN that names port, label and what to do', async () => {
  const port = await freePort();
  const holder = createServer().listen(port, '0.0.0.0');
  await once(holder, 'listening');
  await assert.rejects(listen(fastify(), {...options, port}), {
    code: 'LISTEN',
    message: new RegExp(`^cannot listen on port ${port} \\(master endpoint\\): address already in use; stop the `),
  });
  holder.close();
});

test('listen, not permitted -> LISTEN that names the capability', async () => {
  const app = Object.assign(fastify(), {listen: () => Promise.reject(systemError('EACCES'))});
  await assert.rejects(listen(app, {...options, port: 80}), {
    code: 'LISTEN',
    message: /permission denied; .*CAP_NET_BIND_SERVICE/,
  });
});

test('close, idle and hanging connections -> all closed within the bound', {timeout: 60_000}, async () => {
  const app = fastify();
  app.get('/', () => 'here');
  let hanging = false;
  app.get('/hang', () => {
    hanging = true;
    return new Promise(() => {});
  });
  const server = await listen(app, options);
  const answered = await openRaw(server.port, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n']);
  await answered.answers();
  await openRaw(server.port, ['GET /hang HTTP/1.1\r\nHost: a\r\n\r\n']);
  await waitFor(() => hanging, 'the hanging request');
  // The hanging request would hold it for ever.
  await server.close();
  const late = connect(server.port, '127.0.0.1');
  const [error] = await once(late, 'error');
  assert.equal(error.code, 'ECONNREFUSED');
});
