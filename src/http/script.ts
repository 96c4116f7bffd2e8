import type {FastifyInstance, FastifyReply} from 'fastify';
import {reasonOf} from '../errors.ts';
import type {Capture} from '../ports/capture.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {admit} from './token.ts';

/** `PUT /script` as it is switched on (`KONTROL_SCRIPT=on` and a token). */
export interface ScriptPorts {
  readonly capture: Capture;
  readonly clock: Clock;
  readonly log: Log;
  /** The operators' token as it is now; rejects when its file cannot be read. */
  readonly loadToken: () => Promise<string>;
  /** What a command gets beside `INPUT`. */
  readonly env: () => Readonly<Record<string, string>>;
}

/** As in 2017 (docs/contract-2017.md#keepalive). */
const LIMIT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1 << 20;
const MAX_AT_ONCE = 4;
const SHOWN_COMMAND_CHARACTERS = 200;

/**
 * Adds `PUT /script {"cmd": ...}` (docs/lifecycle.md#put-script): runs it with `/bin/sh -c`, the whole request in
 * `INPUT`, and answers its stdout. 401 without the token, 400 for what is no command, 503 when four run already, 504
 * over 60 s, 507 over 1 MiB of output, 500 for an exit other than 0 (`x-exit-code` says which). One audit line a
 * request.
 */
export function addScript(app: FastifyInstance, {capture, clock, log, loadToken, env}: ScriptPorts): void {
  let running = 0;

  app.put<{Body: Buffer | undefined}>('/script', async (request, reply) => {
    const audit = (status: number, fields: Record<string, unknown> = {}): void =>
      log.warn({event: 'script', remoteAddress: request.ip, status, ...fields}, 'command over HTTP');
    const refuse = (status: number, error: string, reason: string, fields?: Record<string, unknown>): FastifyReply => {
      audit(status, {reason, ...fields});
      return reply.code(status).send({error, reason});
    };

    const admission = await admit(request.headers.authorization, loadToken);
    if (admission.is === 'unreadable') {
      log.error({err: admission.cause}, 'cannot read the token (KONTROL_TOKEN_FILE): every command is refused');
    }
    if (admission.is !== 'admitted') {
      reply.header('www-authenticate', 'Bearer');
      return refuse(401, 'unauthorized', "send the operators' token: Authorization: Bearer <token>");
    }
    const body = request.body?.toString() ?? '';
    const command = parseScript(body);
    if (command === undefined) return refuse(400, 'bad request', 'expected {"cmd": "<shell command>"}');
    const fields = {cmd: command.slice(0, SHOWN_COMMAND_CHARACTERS)};
    if (running >= MAX_AT_ONCE) return refuse(503, 'busy', `${MAX_AT_ONCE} commands run already`, fields);
    running += 1;
    const startedMs = clock.nowMs();
    try {
      const {ended, code, signal, stdout} = await capture(
        {file: '/bin/sh', args: ['-c', command], env: {...env(), INPUT: body}},
        {
          clock,
          timeoutMs: LIMIT_MS,
          maxBytes: MAX_OUTPUT_BYTES,
          onErrorLine: line => log.info({line}, 'command wrote'),
        },
      );
      const outcome = {...fields, exitCode: code, signal, durationMs: Math.round(clock.nowMs() - startedMs)};
      if (ended === 'timeout') return refuse(504, 'too slow', `the command took longer than ${LIMIT_MS} ms`, outcome);
      if (ended === 'overflow') {
        return refuse(507, 'too long', `the command wrote more than ${MAX_OUTPUT_BYTES} bytes`, outcome);
      }
      const status = code === 0 ? 200 : 500;
      audit(status, outcome);
      reply.code(status).header('x-exit-code', String(code ?? signal));
      return reply.type('text/plain; charset=utf-8').send(stdout);
    } catch (error) {
      return refuse(500, 'not run', reasonOf(error), fields);
    } finally {
      running -= 1;
    }
  });
}

function parseScript(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== 'object' || value === null || !('cmd' in value)) return undefined;
    return typeof value.cmd === 'string' && value.cmd.trim() !== '' && !value.cmd.includes('\0')
      ? value.cmd
      : undefined;
  } catch {
    return undefined;
  }
}
