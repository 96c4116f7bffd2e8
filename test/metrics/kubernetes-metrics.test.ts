import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {KubernetesStatus} from '../../src/kubernetes/status.ts';
import {createKubernetesMetrics} from '../../src/metrics/kubernetes-metrics.ts';
import {STATUS} from '../http/status-ports.ts';
import {readSamples} from './samples.ts';

const {kubernetes} = STATUS;
const certificateOf = (name: string, expiresAt: number | null, problem: string | null) => ({
  name,
  expiresAt,
  fingerprint: null,
  names: null,
  problem,
});

test('certificates -> when they expire, in seconds; 1 for one that was not taken or is missing; gone with the certificate', async () => {
  let certificates = [certificateOf('a', 1_500_000_000_000, null), certificateOf('b', null, 'there is no Secret b')];
  const metrics = createKubernetesMetrics(() => ({...kubernetes, certificates}) as KubernetesStatus);
  const samples = readSamples(await metrics.read());
  assert.equal(samples.get('kontrol_certificate_expiry_timestamp_seconds{name="a"}'), 1_500_000_000);
  assert.equal(samples.has('kontrol_certificate_expiry_timestamp_seconds{name="b"}'), false);
  assert.equal(samples.get('kontrol_certificate_problem{name="a"}'), 0);
  assert.equal(samples.get('kontrol_certificate_problem{name="b"}'), 1);
  certificates = [];
  assert.doesNotMatch(await metrics.read(), /name="/);
});

test('what is followed -> 1, what cannot be followed 0, nothing for what is not asked for', async () => {
  const watch = {what: 'pods of shop', state: 'failing', synced: false, failures: 3, reason: '403'} as const;
  const status = {
    ...kubernetes,
    services: {hosts: {}, watch: null},
    verify: {source: false, token: false, pods: {known: 0, watches: [watch]}},
  };
  const samples = readSamples(await createKubernetesMetrics(() => status as KubernetesStatus).read());
  assert.deepEqual(
    [...samples].filter(([name]) => name.startsWith('kontrol_kubernetes_watch_up')),
    [
      ['kontrol_kubernetes_watch_up{what="pod default/proxy-1"}', 1],
      ['kontrol_kubernetes_watch_up{what="pods of shop"}', 0],
    ],
  );
});
