/** What iptables writes (1.6 to 1.8, both variants), and what an operator can do about it. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/can't open lock file/i, 'its lock file cannot be opened'],
  [/you must be root|operation not permitted/i, 'it needs root and the capability NET_ADMIN'],
  [
    /couldn't load match|missing kernel module|no chain\/target\/match|rule_append failed/i,
    'the kernel or iptables lacks one of the matches tcp, multiport and time (xt_multiport, xt_time)',
  ],
  [/holding the xtables lock/i, 'another program holds the lock of xtables'],
];

/** Why iptables refused, in words for an operator, from what it wrote to stderr; undefined when that is not known. */
export const deriveRefusal = (stderr: string): string | undefined =>
  REASONS.find(([pattern]) => pattern.test(stderr))?.[1];

/** `iptables v1.8.9 (nf_tables)` -> `nf_tables 1.8.9`. Before 1.8 there was one variant and no name for it: `legacy 1.6.0`. */
export function parseVariant(version: string): string {
  const [, number = 'of unknown version', kind = 'legacy'] = /\bv(\d[\w.]*)(?: \((\w+)\))?/.exec(version) ?? [];
  return `${kind} ${number}`;
}
