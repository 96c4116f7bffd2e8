import type {News} from './event-plan.ts';

/** How a pass ended, as far as people who look at the pod need to know. */
export interface PassEnd {
  readonly pass: number;
  readonly verdict: 'ok' | 'unchanged' | 'failed';
  readonly error: string | null;
  readonly phasesMs: {readonly apply?: number};
}

/** What a pass that ended is worth telling: that it failed, or that it went well after failures. */
export function newsOfPass({pass, verdict, error, phasesMs}: PassEnd, failedBefore: boolean): News | undefined {
  if (verdict === 'failed') {
    const reason = phasesMs.apply === undefined ? 'ConfigurationRefused' : 'ReloadFailed';
    return {type: 'Warning', reason, message: `${error ?? 'unknown'}; the last good configuration stays`};
  }
  if (!failedBefore) return undefined;
  return {type: 'Normal', reason: 'Recovered', message: `pass ${pass} went well: the proxy serves what its inputs say`};
}

export const newsOfFatal = (reason: string): News => ({type: 'Warning', reason: 'ProxyFatal', message: reason});

export const newsOfCertificate = (name: string, reason: string): News => ({
  type: 'Warning',
  reason: 'CertificateRefused',
  message: `certificate ${name}: ${reason}; the last good one stays`,
});
