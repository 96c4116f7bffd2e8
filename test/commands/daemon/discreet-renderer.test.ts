import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createDiscreetRenderer} from '../../../src/commands/daemon/discreet-renderer.ts';
import {DaemonError} from '../../../src/errors.ts';
import type {IsolatedRenderer} from '../../../src/template/renderer.ts';
import {TemplateRefusal} from '../../../src/template/template-refusal.ts';

const SECRET = 'correcthorsebattery';

const failing = (fault: unknown): IsolatedRenderer => ({
  render: () => Promise.reject(fault),
  trace: () => Promise.reject(fault),
  prepare() {},
  pid: 7,
  [Symbol.dispose]() {},
});

describe('discreet renderer', () => {
  test('a fault behind a secret that its excerpt cuts -> neither half is quoted, at any column', async () => {
    const input = {variables: {hosts: {}}} as never;
    for (let blanks = 130; blanks < 175; blanks += 1) {
      const template = `frontend a\n${' '.repeat(blanks)}stats auth admin:${SECRET}\n{{ 1 + "x" }}\n`;
      const fault = new TemplateRefusal(
        {kind: 'TypeError', message: 'unsupported', at: {lineno: 2, colno: 0}},
        template,
      );
      using renderer = createDiscreetRenderer(failing(fault));
      for (const how of ['render', 'trace'] as const) {
        await assert.rejects(renderer[how]({...(input as object), template} as never, AbortSignal.any([])), error => {
          assert.ok(error instanceof TemplateRefusal);
          assert.equal(error.message, fault.message);
          assert.doesNotMatch(error.detail ?? '', /corr/);
          return true;
        });
      }
    }
  });

  test('another fault, or none -> as it is', async () => {
    const fault = new DaemonError('RENDER', 'it takes longer');
    using renderer = createDiscreetRenderer(failing(fault));
    await assert.rejects(renderer.render({template: ''} as never, AbortSignal.any([])), error => error === fault);
    assert.equal(renderer.pid, 7);
    const made = {...failing(fault), render: async () => 'text'};
    using works = createDiscreetRenderer(made);
    assert.equal(await works.render({template: ''} as never, AbortSignal.any([])), 'text');
  });
});
