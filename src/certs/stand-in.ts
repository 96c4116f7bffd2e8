import {generateKeyPairSync, sign} from 'node:crypto';

/** ASN.1's tags, as X.690 numbers them. */
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;

const COMMON_NAME = Buffer.from('0603550403', 'hex');
const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex');

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const {length} = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const pem = (label: string, content: Buffer): string =>
  `-----BEGIN ${label}-----\n${content.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;

/**
 * A self-signed certificate with its key as one PEM, as HAProxy's `crt` wants it, which stands for the real one where a
 * configuration is only checked: of a key that is made for it and trusted by nobody. RFC 5280, version 1.
 */
export function createStandIn(name: string): string {
  const {privateKey, publicKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'});
  const algorithm = der(SEQUENCE, ECDSA_WITH_SHA256);
  const subject = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(name.slice(0, 64))))));
  const [from, to] = ['000101000000Z', '491231235959Z'].map(time => der(UTC_TIME, Buffer.from(time))) as [
    Buffer,
    Buffer,
  ];
  const body = der(
    SEQUENCE,
    der(INTEGER, Buffer.from([1])),
    algorithm,
    subject,
    der(SEQUENCE, from, to),
    subject,
    publicKey.export({type: 'spki', format: 'der'}),
  );
  const signature = der(BIT_STRING, Buffer.from([0]), sign('sha256', body, privateKey));
  const key = privateKey.export({type: 'pkcs8', format: 'pem'}).toString();
  return pem('CERTIFICATE', der(SEQUENCE, body, algorithm, signature)) + key;
}
