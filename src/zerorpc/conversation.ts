import {HEARTBEAT, type Id, readCallHead, readEvent, writeReply} from './call.ts';
import {createZmtpReader, GREETING, message, readyCommand, ZmtpFault} from './zmtp.ts';

/** What became of the ping of a slave: `reason` says why it was not taken. */
export type CallAnswer = {readonly is: 'accepted'} | {readonly is: string; readonly reason: string};

export interface ConversationPorts {
  /** The body of a ping, as an HTTP slave sends it. Answers at once. */
  receive(body: Uint8Array): CallAnswer;
  /** Told of every message that was answered `ERR` without having been a ping that was read. */
  refused(reason: string): void;
  send(bytes: Uint8Array): void;
  /** A new id for a message of ours. */
  newId(): string;
  readonly maxBodyBytes: number;
}

/** A slave of kontrol's last release on one connection (docs/contract-2017.md#zerorpc). */
export interface SlaveConversation {
  /** Takes what it says, in pieces of any size, and answers. Throws ZmtpFault when it can't be understood any more. */
  feed(bytes: Buffer): void;
  /** The other side has begun something, its greeting to begin with, and not finished it. */
  readonly isAmidst: boolean;
}

const SWITCHED_OFF =
  'running commands from outside is switched off; write to the control socket inside the pod instead';

const REFUSALS: Readonly<Record<string, string>> = {
  invoke: SWITCHED_OFF,
  script: SWITCHED_OFF,
};

/** Greets at once: a peer that speaks ZMTP says its version only when it knows ours. */
export function openSlaveConversation(ports: ConversationPorts): SlaveConversation {
  const {send, newId} = ports;
  const reader = createZmtpReader(ports.maxBodyBytes);
  send(GREETING);

  const reply = (to: Id, name: string, args: readonly unknown[]) => send(message(writeReply(to, newId(), name, args)));
  // A client shows the third, the stack in the server's code, and nothing else where there is one.
  const refuse = (to: Id, kind: string, reason: string) => reply(to, 'ERR', [kind, reason, `${kind}: ${reason}`]);

  const ping = (id: Id, [body, ...more]: readonly unknown[]): void => {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    if (!(bytes instanceof Uint8Array) || more.length > 0) {
      refuse(id, 'TypeError', 'ping takes one argument, the JSON text of a keepalive');
      return;
    }
    const answer = ports.receive(bytes);
    if ('reason' in answer) refuse(id, 'PingError', answer.reason);
    else reply(id, 'OK', [null]);
  };

  const refuseCall = (id: Id, name: string): void => {
    const known = Object.hasOwn(REFUSALS, name) ? REFUSALS[name] : undefined;
    const reason = known ?? `there is no call ${JSON.stringify(name.slice(0, 64))} here; there is ping`;
    ports.refused(reason);
    refuse(id, 'NameError', reason);
  };

  const take = (body: Buffer): void => {
    const event = readEvent(body);
    switch (event.is) {
      case 'fault':
        throw new ZmtpFault(`a message is no ZeroRPC event: ${event.why}`);
      case 'reply':
        // A call is answered at once, so only a caller that has not read its answer yet still asks whether we live.
        if (event.name === HEARTBEAT) reply(event.to, HEARTBEAT, [0]);
        return;
      case 'call':
        if (event.name === 'ping') ping(event.id, event.args);
        else refuseCall(event.id, event.name);
    }
  };

  /** A call that is too long: refused like any other that cannot be obeyed. */
  const refuseLong = (head: Buffer): void => {
    const call = readCallHead(head);
    if (call === undefined) throw new ZmtpFault(`a message is longer than ${ports.maxBodyBytes} bytes`);
    const {id, name} = call;
    if (name === 'ping') {
      const reason = `a ping has at most ${ports.maxBodyBytes} bytes with its call, this one has more`;
      ports.refused(reason);
      refuse(id, 'PingError', reason);
    } else refuseCall(id, name);
  };

  return {
    feed(bytes) {
      for (const event of reader.feed(bytes)) {
        if (event.is === 'ready') send(readyCommand('ROUTER'));
        else if (event.is === 'message') take(event.body);
        else refuseLong(event.head);
      }
    },
    get isAmidst() {
      return reader.isAmidst;
    },
  };
}
