import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {wantedCertificates, wantedServices} from '../../../src/commands/daemon/annotations.ts';
import type {Api} from '../../../src/kubernetes/api.ts';
import {openLogSink} from '../../members/fixtures.ts';

const podWith = (annotations: Record<string, string>) => ({facts: {annotations}});

const API: Api = {request: async () => ({}), watch: async () => {}};

describe('what the annotations ask for', () => {
  for (const [annotation, names, refused] of [
    ['a,b', ['a', 'b'], []],
    ['a,B_', ['a'], ['B_']],
    ['', [], []],
  ] as const) {
    test(`certificates "${annotation}" -> those that are names; the others are a warning`, () => {
      const {log, said} = openLogSink();
      assert.deepEqual(wantedCertificates(podWith({'haproxy.unity3d.com/tls': annotation}), log), names);
      assert.deepEqual(
        said('refused').map(({reason}) => reason),
        refused,
      );
    });
  }

  for (const [annotation, api, apps, warnings] of [
    ['web,api=other', API, ['web', 'api'], []],
    ['web,!', API, ['web'], ['!']],
    ['', API, [], []],
    ['', undefined, [], []],
    ['web', undefined, ['web'], ['haproxy.unity3d.com/services needs the Kubernetes API']],
  ] as const) {
    test(`Services "${annotation}" ${api ? 'with' : 'without'} the API -> ${apps.length}, with what is wrong`, () => {
      const {log, lines} = openLogSink();
      const wanted = wantedServices(podWith({'haproxy.unity3d.com/services': annotation}), api, log);
      assert.deepEqual(
        wanted.map(({app}) => app),
        apps,
      );
      assert.deepEqual(
        lines.map(({reason}) => reason),
        warnings,
      );
    });
  }
});
