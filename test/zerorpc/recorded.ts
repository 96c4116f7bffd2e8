import {connect, type Socket} from 'node:net';

/** What the client of kontrol's last release (zerorpc 0.6.3, libzmq 4) sent, byte for byte. */
const SIGNATURE = 'ff00000000000000017f';
const REST_OF_GREETING = `03014e554c4c${'00'.repeat(16 + 1 + 31)}`;
const READY = '04290552454144590b536f636b65742d54797065000000064445414c4552084964656e7469747900000000';
export const PING =
  '010000b09382aa6d6573736167655f6964c4206466353261393664353138353433666361366538376134366430343836336265a17603a470696e6791c4767b22617070223a2022776562222c20226964223a20227765622d31222c20226970223a202231302e322e302e3137222c20226b6579223a2022626d766956222c20227061796c6f6164223a2022222c2022726f6c65223a202266726f6e74656e64222c20226e6f6e6365223a2022616263313233227d';
export const INVOKE =
  '0100003e9382aa6d6573736167655f6964c4206466353261393666353138353433666361366538376134366430343836336265a17603a6696e766f6b6591c4026c73';
export const BAD_PING =
  '010000439382aa6d6573736167655f6964c4206466353261393730353138353433666361366538376134366430343836336265a17603a470696e6791c4097b22617070223a317d';

/** Of `PING` and its answer. */
export const PING_ID = 'df52a96d518543fca6e87a46d04863be';

export const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** As libzmq sends them: it says its version only once it has the other's signature. */
export const HANDSHAKE: readonly string[] = [SIGNATURE, REST_OF_GREETING + READY];

/** The same ping of another pod, in the frame that its length takes. */
export function pingOf(fields: Readonly<Record<string, unknown>>, id = PING_ID): Buffer {
  const body = Buffer.from(JSON.stringify(fields));
  const head = Buffer.concat([
    bytes('9382aa6d6573736167655f6964c420'),
    Buffer.from(id),
    bytes('a17603a470696e6791c5'),
    Buffer.from([body.length >> 8, body.length & 255]),
  ]);
  const length = head.length + body.length;
  const frame = length < 256 ? Buffer.from([0, length]) : Buffer.from([2, 0, 0, 0, 0, 0, 0, length >> 8, length & 255]);
  return Buffer.concat([bytes('0100'), frame, head, body]);
}

/** A slave that has shaken hands. */
export interface RecordedSlave {
  readonly socket: Socket;
  /** Sends a call and resolves with the bytes of what comes next. */
  call(call: Buffer): Promise<Buffer>;
}

/** Connects to a master on loopback; rejects when that hangs up. */
export async function openRecordedSlave(port: number): Promise<RecordedSlave> {
  const socket = connect({port, host: '127.0.0.1'});
  const next = () =>
    new Promise<Buffer>((resolve, reject) => {
      const end = () => reject(new Error('the master hung up'));
      socket.once('data', answer => {
        socket.off('close', end);
        resolve(answer);
      });
      socket.once('close', end);
    });
  socket.on('error', () => {});
  for (const part of HANDSHAKE) {
    const answer = next();
    socket.write(bytes(part));
    await answer;
  }
  return {
    socket,
    call(call) {
      const answer = next();
      socket.write(call);
      return answer;
    },
  };
}
