import {errorCodes, type FastifyInstance} from 'fastify';

/** A ping in full: head room for the largest payload a slave sends (48 KiB) and its labels. */
export const BODY_LIMIT_BYTES = 64 * 1024;

/** What every body is said to be: fastify has its parser at hand. */
const ANY_TYPE = 'application/octet-stream';

const NOTHING = Buffer.alloc(0);

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
    let body: Buffer = NOTHING;
    let sizeBytes = 0;
    payload.on('data', (chunk: Buffer) => {
      const endBytes = sizeBytes + chunk.length;
      if (endBytes > BODY_LIMIT_BYTES) body = NOTHING;
      else body = sizeBytes === 0 ? chunk : appended(body, sizeBytes, chunk);
      sizeBytes = endBytes;
    });
    payload.on('end', () => {
      if (sizeBytes <= BODY_LIMIT_BYTES) done(null, body.subarray(0, sizeBytes));
      else done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    });
    // No listener for errors: a body that breaks off has nobody left to answer, and Node closes its socket.
  });
}

/**
 * The first `sizeBytes` of a body with a further chunk, in the same buffer where that has the room. A list of chunks would
 * not be bounded by their bytes: each of one byte is an object, and holds all that came in the same read.
 */
function appended(body: Buffer, sizeBytes: number, chunk: Buffer): Buffer {
  const endBytes = sizeBytes + chunk.length;
  const roomy = endBytes <= body.length ? body : Buffer.allocUnsafe(2 * endBytes);
  if (roomy !== body) body.copy(roomy, 0, 0, sizeBytes);
  chunk.copy(roomy, sizeBytes);
  return roomy;
}
