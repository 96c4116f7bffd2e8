/** The names of Secrets that serve TLS: `haproxy.unity3d.com/tls: secret-a,secret-b`. */
export const TLS_ANNOTATION = 'haproxy.unity3d.com/tls';

const MAX_NAMES = 100;

/** A Secret's name (RFC 1123 subdomain): safe as the name of a file, too. */
const NAME = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;

export const isCertificateName = (name: string): boolean => NAME.test(name) && !name.includes('..');

/** The names in the annotation, each once, and what else stands in it. */
export function parseTlsNames(annotation: string | undefined): {names: readonly string[]; refused: readonly string[]} {
  const given = [...new Set((annotation ?? '').split(',').map(name => name.trim()))].filter(name => name !== '');
  const names = given.filter(isCertificateName).slice(0, MAX_NAMES);
  return {names, refused: given.filter(name => !names.includes(name))};
}
