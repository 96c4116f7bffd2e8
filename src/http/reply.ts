import type {FastifyReply} from 'fastify';
import type {Bodies} from './bodies.ts';

/** Answers with plain text. */
export const sendText = (reply: FastifyReply, body: string | Buffer) =>
  reply.type('text/plain; charset=utf-8').send(body);

/** Answers with JSON that is made once for all who ask for the same. */
export const sendSharedJson = async (reply: FastifyReply, bodies: Bodies, key: string, build: () => unknown) =>
  reply.type('application/json; charset=utf-8').send(await bodies.of(key, async () => JSON.stringify(await build())));
