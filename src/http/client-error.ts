import type {Socket} from 'node:net';
import {systemCodeOf} from '../errors.ts';
import type {Log} from '../ports/log.ts';

const ANSWERS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/**
 * What to do with a connection whose bytes are no HTTP request, or come too slowly: answer 400, 408 or 431 where that
 * still reaches anyone, and close.
 */
export const createClientErrorHandler =
  (log: Log) =>
  (error: Error, socket: Socket): void => {
    log.debug({remoteAddress: socket.remoteAddress ?? 'unknown', reason: error.message}, 'request refused');
    if (socket.writable) {
      const status = ANSWERS[systemCodeOf(error) ?? ''] ?? '400 Bad Request';
      socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
    socket.destroy();
  };
