import {request} from 'node:https';
import {connect} from 'node:tls';

/** The common name of the certificate that a real handshake shows; undefined when there is none. */
export const nameShownAt = (port: number): Promise<string | undefined> =>
  new Promise(resolve => {
    const socket = connect({host: '127.0.0.1', port, rejectUnauthorized: false, timeout: 2000}, () => {
      const {subject} = socket.getPeerCertificate();
      socket.destroy();
      resolve(typeof subject?.CN === 'string' ? subject.CN : undefined);
    });
    socket.on('error', () => resolve(undefined)).on('timeout', () => socket.destroy(new Error('silent')));
  });

/** One request on a connection of its own; true when it was answered. */
const ask = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const options = {host: '127.0.0.1', port, rejectUnauthorized: false, agent: false, timeout: 5000};
    const outgoing = request(options, answer => {
      answer.resume().on('end', () => resolve(true));
    });
    outgoing.on('error', () => resolve(false)).on('timeout', () => outgoing.destroy(new Error('silent')));
    outgoing.end();
  });

export interface TlsLoad {
  readonly answered: () => number;
  /** Ends it; how many were asked and how many of them failed. */
  stop(): Promise<{readonly asked: number; readonly failed: number}>;
}

const MAX_REQUESTS = 20_000;

/** New TLS connections one after the other, on `clients` at a time, until stopped. */
export function startTlsLoad(port: number, clients: number): TlsLoad {
  let asked = 0;
  let answered = 0;
  let stopped = false;
  const run = async () => {
    while (!stopped && asked < MAX_REQUESTS) {
      asked += 1;
      if (await ask(port)) answered += 1;
    }
  };
  const running = Array.from({length: clients}, run);
  return {
    answered: () => answered,
    async stop() {
      stopped = true;
      await Promise.all(running);
      return {asked, failed: asked - answered};
    },
  };
}
