import {randomUUID} from 'node:crypto';
import type {Socket} from 'node:net';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {type CallAnswer, openSlaveConversation, type SlaveConversation} from './conversation.ts';
import {ZmtpFault} from './zmtp.ts';

const SWEEP_MS = 1000;

/** A slave on the same network needs milliseconds for its handshake, or for a message. */
const UNFINISHED_MS = 10_000;

/** Answers are some 100 bytes: who has not read so many does not read. */
const MAX_UNREAD_BYTES = 64 * 1024;

/** Takes the body of a ping, and whose it is; answers at once. */
export type Receive = (body: Uint8Array, remoteAddress: string) => CallAnswer;

export interface ZerorpcGatewayPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a line about this address may be logged now. */
  mayWarn(remoteAddress: string): boolean;
  readonly maxConnections: number;
  /** Of a ping. */
  readonly maxBodyBytes: number;
  /** A slave that says nothing for so long is gone; a living one connects again by itself. */
  readonly silentMs: number;
}

/** Speaks with the slaves of kontrol's last release, each of which keeps one connection open. */
export interface ZerorpcGateway {
  /** Takes over a connection from its first byte on; its pings are given to `receive`. */
  take(socket: Socket, receive: Receive): void;
  readonly connections: number;
  /** Ends every connection. */
  close(): void;
}

interface Connection {
  readonly conversation: SlaveConversation;
  heardAtMs: number;
  /** Since when it owes the rest of something; undefined when it owes nothing. */
  owesSinceMs: number | undefined;
}

export function openZerorpcGateway(ports: ZerorpcGatewayPorts): ZerorpcGateway {
  const {clock, log} = ports;
  const connections = new Map<Socket, Connection>();
  let cancelSweep: (() => void) | undefined;

  const warn = (remoteAddress: string, reason: string): void => {
    if (ports.mayWarn(remoteAddress)) log.warn({remoteAddress, reason}, 'slave refused');
  };

  const sweep = (): void => {
    const nowMs = clock.nowMs();
    for (const [socket, {heardAtMs, owesSinceMs}] of connections) {
      if (nowMs - heardAtMs >= ports.silentMs || nowMs - (owesSinceMs ?? nowMs) >= UNFINISHED_MS) socket.destroy();
    }
    cancelSweep = connections.size === 0 ? undefined : clock.after(SWEEP_MS, sweep);
  };

  return {
    take(socket, receive) {
      const {remoteAddress = 'unknown'} = socket;
      if (connections.size >= ports.maxConnections) {
        warn(remoteAddress, `there are ${connections.size} connections of ZeroRPC slaves: raise KONTROL_MAX_MEMBERS`);
        socket.destroy();
        return;
      }
      const connection: Connection = {
        conversation: openSlaveConversation({
          receive: body => receive(body, remoteAddress),
          refused: reason => warn(remoteAddress, reason),
          send: bytes => socket.write(bytes),
          newId: randomUUID,
          maxBodyBytes: ports.maxBodyBytes,
        }),
        heardAtMs: clock.nowMs(),
        owesSinceMs: clock.nowMs(),
      };
      connections.set(socket, connection);
      cancelSweep ??= clock.after(SWEEP_MS, sweep);
      socket.on('error', () => {});
      socket.once('end', () => socket.destroy());
      socket.once('close', () => connections.delete(socket));
      socket.on('data', bytes => {
        try {
          connection.conversation.feed(bytes);
        } catch (error) {
          if (!(error instanceof ZmtpFault)) throw error;
          warn(remoteAddress, error.message);
          socket.destroy();
          return;
        }
        connection.heardAtMs = clock.nowMs();
        connection.owesSinceMs = connection.conversation.isAmidst
          ? (connection.owesSinceMs ?? connection.heardAtMs)
          : undefined;
        if (socket.writableLength > MAX_UNREAD_BYTES) {
          warn(remoteAddress, 'it does not read what it is answered');
          socket.destroy();
        }
      });
      socket.setNoDelay(true);
    },
    get connections() {
      return connections.size;
    },
    close() {
      cancelSweep?.();
      for (const socket of connections.keys()) socket.destroy();
    },
  };
}
