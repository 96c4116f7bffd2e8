import type {News} from './event-plan.ts';

/** How a pass ended, as far as people who look at the pod need to know. */
export interface PassEnd {
  readonly pass: number;
  readonly verdict: 'ok' | 'unchanged' | 'failed';
  readonly error: string | null;
  readonly phasesMs: {readonly apply?: number};
}

/** What differs from one try to the next and tells people nothing: a candidate's path, HAProxy's time stamps and PIDs. */
const PASSING: readonly (readonly [RegExp, string])[] = [
  [/[^\s[]*\/run\/\d+\.cfg/g, 'proxy.cfg'],
  [/ ?\b\d{3}\/\d{6}\b/g, ''],
  [/ *\(\d+\)/g, ''],
  [/\bgeneration \d+/g, 'generation'],
];

/** The reason of a failure, the same for each try that fails alike: events are told apart by it. */
const lasting = (reason: string): string =>
  PASSING.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), reason);

/** What a pass that ended is worth telling: that it failed, or that it went well after failures. */
export function newsOfPass({pass, verdict, error, phasesMs}: PassEnd, failedBefore: boolean): News | undefined {
  if (verdict === 'failed') {
    const reason = phasesMs.apply === undefined ? 'ConfigurationRefused' : 'ReloadFailed';
    return {type: 'Warning', reason, message: `${lasting(error ?? 'unknown')}; the last good configuration stays`};
  }
  if (!failedBefore) return undefined;
  return {type: 'Normal', reason: 'Recovered', message: `pass ${pass} went well: the proxy serves what its inputs say`};
}

export const newsOfFatal = (reason: string): News => ({
  type: 'Warning',
  reason: 'ProxyFatal',
  message: lasting(reason),
});

export const newsOfCertificate = (name: string, reason: string): News => ({
  type: 'Warning',
  reason: 'CertificateRefused',
  message: `certificate ${name}: ${reason}; the last good one stays`,
});
