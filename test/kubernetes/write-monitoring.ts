import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parse, stringify} from 'yaml';

const docker = fileURLToPath(new URL('../../docker/', import.meta.url));
const read = (path: string): string => readFileSync(join(docker, path), 'utf8');

/** What of the component `monitoring` repeats other files, since kustomize reads nothing above its own folder. */
export function deriveMonitoring(): Readonly<Record<'rules.yaml' | 'dashboard.yaml', object>> {
  return {
    'rules.yaml': {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: {name: 'haproxy-kontrol', labels: {app: 'haproxy'}},
      spec: parse(read('prometheus/alerts.yml')),
    },
    'dashboard.yaml': {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      // Grafana's sidecar looks for this label.
      metadata: {name: 'haproxy-kontrol-dashboard', labels: {app: 'haproxy', grafana_dashboard: '1'}},
      data: {'haproxy-kontrol.json': read('grafana/haproxy-kontrol.json')},
    },
  };
}

// Run by itself, it writes them anew: node test/kubernetes/write-monitoring.ts
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sources = {
    'rules.yaml': 'docker/prometheus/alerts.yml',
    'dashboard.yaml': 'docker/grafana/haproxy-kontrol.json',
  };
  for (const [file, document] of Object.entries(deriveMonitoring())) {
    const head = `# Written from ${sources[file as keyof typeof sources]} by test/kubernetes/write-monitoring.ts: change that file.\n`;
    writeFileSync(join(docker, 'kubernetes/components/monitoring', file), head + stringify(document, {lineWidth: 0}));
  }
}
