import type {FastifyReply} from 'fastify';

/** Answers with plain text. */
export const sendText = (reply: FastifyReply, body: string) => reply.type('text/plain; charset=utf-8').send(body);
