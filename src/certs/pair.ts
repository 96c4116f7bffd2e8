import {createPrivateKey, type KeyObject, X509Certificate} from 'node:crypto';

/** A certificate with its chain and key, checked, as HAProxy's `crt` wants it. */
export interface Pair {
  /** The chain, then the key; no blank line, so that it can be sent over the runtime socket as it is. */
  readonly pem: string;
  /** SHA-256 of the leaf, hex without colons. */
  readonly fingerprint: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** What it is for: the subject's alternative names, as OpenSSL writes them. */
  readonly names: string;
}

export type CheckedPair = {readonly is: 'good'; readonly pair: Pair} | {readonly is: 'bad'; readonly reason: string};

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const KEY = /-----BEGIN ((?:RSA |EC )?PRIVATE KEY|ENCRYPTED PRIVATE KEY)-----[^-]+-----END \1-----/;

const bad = (reason: string): CheckedPair => ({is: 'bad', reason});
const withoutBlankLines = (pem: string): string =>
  pem
    .replace(/\r/g, '')
    .replace(/\n\s*\n/g, '\n')
    .trim();

/**
 * Checks that a chain (leaf first) and a key, both PEM, belong together and that the leaf is valid at `epochMs`
 * (pass undefined to leave time out: what served before an expiry goes on). Never throws.
 */
export function checkPair(
  given: {readonly chain: string; readonly key: string},
  epochMs: number | undefined,
): CheckedPair {
  const chain = given.chain.match(CERTIFICATE) ?? [];
  const [leaf] = chain;
  if (leaf === undefined) return bad('there is no certificate in it');
  const [keyPem, kind] = KEY.exec(given.key) ?? [];
  if (keyPem === undefined) return bad('there is no private key in it');
  if (kind === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(given.key))
    return bad('its key has a passphrase');
  let certificates: X509Certificate[];
  let key: KeyObject;
  try {
    certificates = chain.map(pem => new X509Certificate(pem));
    key = createPrivateKey(keyPem);
  } catch (error) {
    return bad(`it cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const [certificate] = certificates;
  if (certificate === undefined || !certificate.checkPrivateKey(key)) {
    return bad('its key does not belong to its first certificate');
  }
  const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
  if (epochMs !== undefined && epochMs >= to) return bad(`it expired at ${new Date(to).toISOString()}`);
  if (epochMs !== undefined && epochMs < from) return bad(`it is not valid before ${new Date(from).toISOString()}`);
  return {
    is: 'good',
    pair: {
      pem: `${[...chain, keyPem].map(withoutBlankLines).join('\n')}\n`,
      fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      expiresAt: to,
      names: certificate.subjectAltName ?? certificate.subject,
    },
  };
}
