import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {after, before, describe, test} from 'node:test';
import {parse} from 'yaml';
import {CONFIG_ANNOTATION} from '../../src/config/parse.ts';
import type {TemplateVariables} from '../../src/template/input.ts';
import {createRenderer, type IsolatedRenderer} from '../../src/template/renderer.ts';
import {missing, pythonBinary} from '../support/parts.ts';

type Hosts = Record<string, string[]>;

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');

/** The annotation of the Deployment of 2017, as Kubernetes hands it on. */
const annotationOf2017 = (): string =>
  parse(fixture('deployment-2017.yaml')).spec.template.metadata.annotations[CONFIG_ANNOTATION];

const TEMPLATES: Readonly<Record<string, () => string>> = {
  'http.j2': () => fixture('http.j2'),
  'the annotation of 2017': annotationOf2017,
  'http.j2 with CRLF and no last newline': () => fixture('http.j2').replaceAll('\n', '\r\n').trimEnd(),
};

const addresses = (count: number): string[] => Array.from({length: count}, (_, n) => `10.${n >> 8}.${n & 255}.7`);

const HOSTS: Readonly<Record<string, Hosts>> = {
  'no host': {},
  'one host': {web: ['10.2.0.17']},
  '1,000 hosts of three apps': {api: addresses(100), web: addresses(899), zoo: ['fd00::1']},
  // Names that JavaScript objects have of their own, or would reorder (apps come in code unit order).
  'apps with names of JavaScript': {constructor: ['10.0.0.2'], items2: ['10.0.0.3'], length: ['10.0.0.1']},
};

/** Debian's Jinja2, with the settings of the old stack: its defaults. */
function renderWithJinja(template: string, hosts: Hosts): string {
  const script =
    'import json, sys, jinja2; t, h = json.load(sys.stdin); sys.stdout.write(jinja2.Template(t).render(hosts=h))';
  const text = execFileSync(pythonBinary, ['-c', script], {
    input: JSON.stringify([template, hosts]),
    encoding: 'utf8',
    maxBuffer: 16 << 20,
  });
  // A configuration ends in one newline: HAProxy 2.6 refuses a last line without.
  return text.replace(/\n*$/, '\n');
}

const variablesWith = (hosts: Hosts): TemplateVariables => ({
  hosts: new Map(Object.entries(hosts)),
  pods: [],
  node: {labels: {}, annotations: {}},
  labels: {},
  annotations: {},
  env: {},
  certs: {},
  services: new Map(),
});

describe('the templates of 2017 -> byte for byte what Jinja2 renders', {skip: missing('jinja2')}, () => {
  let renderer: IsolatedRenderer;
  before(() => {
    renderer = createRenderer({timeoutMs: 30_000});
  });
  after(() => renderer[Symbol.dispose]());
  for (const [template, text] of Object.entries(TEMPLATES)) {
    for (const [situation, hosts] of Object.entries(HOSTS)) {
      test(`${template}, ${situation}`, async () => {
        const input = {template: text(), variables: variablesWith(hosts)};
        assert.equal(await renderer.render(input, AbortSignal.any([])), renderWithJinja(input.template, hosts));
      });
    }
  }

  test('a template that cannot be parsed -> RENDER on one line', async () => {
    const rendering = renderer.render({template: '{% for %}', variables: variablesWith({})}, AbortSignal.any([]));
    await assert.rejects(rendering, {code: 'RENDER', message: /^cannot render the template: [^\n]+$/});
  });
});
