import type {Socket} from 'node:net';
import {systemCodeOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {createThrottle} from './throttle.ts';

/** A ZeroRPC slave opens with the ZMTP signature, whose first byte no HTTP request starts with (ZMTP 3.0, "Greeting"). */
const ZMTP_FIRST_BYTE = 0xff;

/** A ZeroRPC slave reconnects several times a second, for ever; one line a minute is enough to find it. */
const ZMTP_LOG = {periodMs: 60_000, maxKeys: 1000} as const;

const ANSWERS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

const isZmtpGreeting = (error: Error): boolean =>
  'rawPacket' in error && error.rawPacket instanceof Uint8Array && error.rawPacket[0] === ZMTP_FIRST_BYTE;

/**
 * What to do with a connection whose bytes are no HTTP request, or come too slowly: answer 400, 408 or 431 where that
 * still reaches anyone, and close. A ZeroRPC greeting gets one warning a minute per remote address and no answer.
 */
export function createClientErrorHandler({clock, log}: {readonly clock: Clock; readonly log: Log}) {
  const mayWarn = createThrottle({clock, ...ZMTP_LOG});
  return (error: Error, socket: Socket): void => {
    const remoteAddress = socket.remoteAddress ?? 'unknown';
    if (isZmtpGreeting(error)) {
      if (mayWarn(remoteAddress)) {
        log.warn(
          {remoteAddress, reason: 'the client speaks ZeroRPC; only slaves that send HTTP PUT /ping are supported'},
          'slave refused',
        );
      }
    } else {
      const code = systemCodeOf(error) ?? '';
      log.debug({remoteAddress, reason: error.message}, 'request refused');
      if (socket.writable) {
        socket.write(
          `HTTP/1.1 ${ANSWERS[code] ?? '400 Bad Request'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
        );
      }
    }
    socket.destroy();
  };
}
