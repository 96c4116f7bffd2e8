import {errorCodes, type FastifyInstance} from 'fastify';

/** A ping in full: head room for the largest payload a slave sends (48 KiB) and its labels. */
export const BODY_LIMIT_BYTES = 64 * 1024;

/** What every body is said to be: fastify has its parser at hand. */
const ANY_TYPE = 'application/octet-stream';

/**
 * Hands every handler its body as a Buffer, whatever content type a request claims, as the old master did.
 * An oversized body is read to its end but not kept: a client that writes all before it reads sees its 413
 * (FST_ERR_CTP_BODY_TOO_LARGE). A request without a body has an empty one.
 */
export function acceptAnyBody(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    // fastify answers 415 to a malformed content type before any parser is asked.
    request.raw.headers['content-type'] = ANY_TYPE;
    done();
  });
  app.addContentTypeParser(ANY_TYPE, (_request, payload, done) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    payload.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= BODY_LIMIT_BYTES) chunks.push(chunk);
      else chunks.length = 0;
    });
    payload.on('end', () => {
      if (sizeBytes <= BODY_LIMIT_BYTES) done(null, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
      else done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    });
    // No listener for errors: a body that breaks off has nobody left to answer, and Node closes its socket.
  });
}
