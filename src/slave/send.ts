import {request} from 'node:http';
import type {MasterAddress} from '../config/config.ts';
import {reasonOf} from '../errors.ts';

/** The status of a whole answer, with the reason that a refusal gives; or why there is none. */
export type SendOutcome =
  | {readonly is: 'answered'; readonly status: number; readonly reason?: string}
  | {readonly is: 'failed'; readonly reason: string};

/** Sends one ping; never rejects. An abort of `signal` ends it at once, and its reason is the outcome's. */
export type SendPing = (master: MasterAddress, body: string, signal: AbortSignal) => Promise<SendOutcome>;

/**
 * Makes what sends pings with the token that `token` names at that moment, or without one.
 * `PUT /ping` goes over a connection of its own, as the slaves of 2017 do: a connection that is kept would hold all pings
 * to one pod behind a Service. Follows no redirect; an answer counts once it is read to its end.
 */
export const createSendPing =
  (token: () => string | undefined): SendPing =>
  async (master, body, signal) => {
    try {
      const {status, said} = await put(master, body, token(), signal);
      const reason = status < REFUSED ? undefined : reasonIn(said);
      return {is: 'answered', status, ...(reason !== undefined && {reason})};
    } catch (error) {
      return {is: 'failed', reason: reasonOf(signal.aborted ? signal.reason : error)};
    }
  };

/** Sends pings without a token. */
export const sendPing: SendPing = createSendPing(() => undefined);

/** Statuses from here on are refusals. */
const REFUSED = 400;

/** Of an answer so many characters are looked at: a refusal of ours is a line. */
const MAX_SAID = 4096;

function reasonIn(said: string): string | undefined {
  try {
    const {reason}: {reason?: unknown} = JSON.parse(said);
    return typeof reason === 'string' ? reason : undefined;
  } catch {
    return undefined;
  }
}

const put = (
  {host, port}: MasterAddress,
  body: string,
  token: string | undefined,
  signal: AbortSignal,
): Promise<{readonly status: number; readonly said: string}> =>
  new Promise((resolve, reject) => {
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      ...(token !== undefined && {Authorization: `Bearer ${token}`}),
    };
    const ping = request({agent: false, headers, host, method: 'PUT', path: '/ping', port, signal});
    ping.on('error', reject);
    ping.on('response', response => {
      response.on('error', reject);
      let said = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        if (said.length < MAX_SAID) said += text;
      });
      response.on('end', () => resolve({status: response.statusCode ?? 0, said}));
    });
    ping.end(body);
  });
