import {parseManifest} from '../../src/lifecycle/manifest.ts';
import type {Manifest} from '../../src/lifecycle/spec.ts';
import type {TemplateInput} from '../../src/template/input.ts';

/** A manifest from its text. */
export const manifestOf = (text: string): Manifest => parseManifest(text, 'lifecycle.yml');

/** What a template sees where these apps have pods at these addresses. */
export const inputOfApps = (apps: Readonly<Record<string, readonly string[]>>): TemplateInput => {
  const pods = Object.entries(apps).flatMap(([app, ips]) =>
    ips.map((ip, seq) => ({app, id: ip, ip, key: '0', role: 'frontend', seq, payload: null})),
  );
  const hosts = new Map(Object.entries(apps));
  const {labels, annotations, env, certs} = {labels: {}, annotations: {}, env: {}, certs: {}};
  return {
    template: 'A',
    variables: {hosts, pods, node: {labels, annotations}, labels, annotations, env, certs, services: new Map()},
  };
};
