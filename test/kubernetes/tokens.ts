import {createSign} from 'node:crypto';

/** The server lets a token live for this long after its end (go-jose's leeway), and asks for ten minutes at least. */
const LEEWAY_S = 60;

/** A ServiceAccount's token as the server itself would issue it, but taken until `epochMs` and no longer. */
export function withExpiry(token: string, epochMs: number, signingKey: string): string {
  const [head = '', body = ''] = token.split('.');
  const claims: unknown = JSON.parse(Buffer.from(body, 'base64url').toString());
  const exp = Math.floor(epochMs / 1000) - LEEWAY_S;
  const signed = `${head}.${Buffer.from(JSON.stringify({...(claims as object), exp})).toString('base64url')}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(signingKey, 'base64url')}`;
}
