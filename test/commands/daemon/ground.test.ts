import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {requireTemplate} from '../../../src/commands/daemon/ground.ts';
import type {TemplateSource} from '../../../src/config/config.ts';
import {manifestOf} from '../../lifecycle/fixtures.ts';

const manifestWith = (work: string) =>
  manifestOf(`initial: configure\nterminal: configure\nstates:\n  - {tag: configure, ${work}}\n`);
const RENDERS = manifestWith('run: [render]');
const SHELLS = manifestWith('shell: make');

const CONFIG = {'haproxy.unity3d.com/config': 'global'};

describe('a template', () => {
  test('rendered by a state, wanted of the annotation, and not there -> CONFIG', () => {
    assert.throws(() => requireTemplate(RENDERS, {is: 'annotation'}, {}), {
      code: 'CONFIG',
      message: /^cannot read the configuration: /,
    });
  });

  for (const [situation, manifest, source, annotations] of [
    ['in the annotation', RENDERS, {is: 'annotation'}, CONFIG],
    ['in a file', RENDERS, {is: 'file', path: '/t'}, {}],
    ['rendered by no state', SHELLS, {is: 'annotation'}, {}],
  ] as const satisfies readonly (readonly [string, typeof RENDERS, TemplateSource, object])[]) {
    test(`${situation} -> nothing lacks`, () => requireTemplate(manifest, source, annotations));
  }
});
