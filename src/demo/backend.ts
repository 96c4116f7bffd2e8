import {once} from 'node:events';
import {createServer} from 'node:http';
import type {MasterAddress} from '../config/config.ts';
import {deriveKey} from '../members/base62.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {NO_PAYLOAD} from '../slave/payload.ts';
import type {SendPing} from '../slave/send.ts';
import {openSlave, type Slave} from '../slave/slave.ts';

/** A pod of the demo: an address of its own on loopback, where one small HTTP server listens. */
export interface DemoPod {
  readonly name: string;
  readonly ip: string;
  readonly port: number;
}

export interface DemoPorts {
  readonly master: MasterAddress;
  readonly ttlMs: number;
  readonly send: SendPing;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Starts a pod: an HTTP server that answers with its name, and a slave that pings the master for it. `POST /leave` says
 * `down`, `POST /silence` ends the pings without a word, `POST /return` pings again; the server answers all the while,
 * so that what is seen is the proxy's doing. Rejects with Node's error when the address cannot be bound.
 */
export async function openDemoBackend({name, ip, port}: DemoPod, ports: DemoPorts): Promise<AsyncDisposable> {
  const {master, ttlMs, send, clock, log} = ports;
  let slave: Slave | undefined;
  let isSilent = false;

  const join = () => {
    isSilent = false;
    slave ??= openSlave({
      masters: [master],
      self: {app: 'web', id: name, role: 'frontend', ip},
      ttlMs,
      payload: {text: () => NO_PAYLOAD, follow: () => () => {}},
      deriveKey,
      send: async (...ping) => (isSilent ? {is: 'failed', reason: 'silent'} : send(...ping)),
      clock,
      log,
    });
  };
  const leave = async () => {
    const leaving = slave;
    slave = undefined;
    await leaving?.close();
  };
  const orders: Readonly<Record<string, () => Promise<string>>> = {
    async '/leave'() {
      await leave();
      return `${name} said down`;
    },
    async '/silence'() {
      isSilent = true;
      return `${name} pings no more: it is gone ${ttlMs / 1000} s after its last ping`;
    },
    async '/return'() {
      await leave();
      join();
      return `${name} pings again`;
    },
  };

  const server = createServer(async (request, response) => {
    const order = request.method === 'POST' ? orders[request.url ?? ''] : undefined;
    response.end(`${order === undefined ? name : await order()}\n`);
  });
  server.listen(port, ip);
  await once(server, 'listening');
  join();
  return {
    async [Symbol.asyncDispose]() {
      await leave();
      server.closeAllConnections();
      server.close();
    },
  };
}
