import {Gauge, Registry} from 'prom-client';
import type {KubernetesStatus} from '../kubernetes/status.ts';

/** The metrics of the daemon's life in a cluster, read from its status at each scrape; Prometheus' text exposition. */
export function createKubernetesMetrics(status: () => KubernetesStatus): {read(): Promise<string>} {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'kontrol_certificate_expiry_timestamp_seconds',
    help: 'When a certificate that is served expires.',
    labelNames: ['name'],
    registers,
    collect() {
      this.reset();
      for (const {name, expiresAt} of status().certificates) if (expiresAt !== null) this.set({name}, expiresAt / 1000);
    },
  });
  new Gauge({
    name: 'kontrol_certificate_problem',
    help: '1 when what was offered last for a certificate was not taken, or is missing.',
    labelNames: ['name'],
    registers,
    collect() {
      this.reset();
      for (const {name, problem} of status().certificates) this.set({name}, Number(problem !== null));
    },
  });
  new Gauge({
    name: 'kontrol_kubernetes_watch_up',
    help: '1 when the watch of these objects works.',
    labelNames: ['what'],
    registers,
    collect() {
      this.reset();
      const {pod, services, verify} = status();
      const watches = [pod.watch, services.watch, ...(verify.pods?.watches ?? [])];
      for (const watch of watches) if (watch !== null) this.set({what: watch.what}, Number(watch.state === 'watching'));
    },
  });
  return {read: () => registry.metrics()};
}
