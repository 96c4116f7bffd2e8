import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import type {Failing} from '../../src/lifecycle/find-bad-pods.ts';
import type {Quarantined} from '../../src/lifecycle/quarantine.ts';
import {rehearseInput} from '../../src/lifecycle/rehearsal.ts';
import type {TemplateInput} from '../../src/template/input.ts';

const inputOf = (template: string) => ({template, variables: {}}) as unknown as TemplateInput;
const [BEFORE, WITH_ALL, WITHOUT] = [inputOf('before'), inputOf('with all'), inputOf('without')];
const FAULT = new DaemonError('VALIDATE', 'weight 999', {detail: 'all that it wrote'});
const BAD: Quarantined = {
  ...{app: 'web', ip: '10.0.0.3', id: 'web-3', reason: 'weight 999'},
  ...({sinceAt: 0, served: 'as before', overBound: false} as const),
};

/** `blames`: whom the search finds; a pod that is served is found where all are suspects alone. */
function rehearse(blames: 'newcomer' | 'served' | 'nobody', fault: unknown = FAULT) {
  return rehearseInput(WITH_ALL, {
    before: BEFORE,
    async tryOut(input) {
      if (input === WITH_ALL) throw fault;
      return input.template;
    },
    quarantine: {
      async rehearse({before}: Failing) {
        const isFound = blames === 'newcomer' || (blames === 'served' && before === undefined);
        return isFound ? {input: WITHOUT, without: [BAD]} : undefined;
      },
    },
  });
}

describe('rehearsing an input', () => {
  test('it fails with a pod that came since -> what is served without that pod', async () => {
    assert.deepEqual(await rehearse('newcomer'), {text: 'without', without: [BAD]});
  });

  test('it fails with a pod that is served -> refused as a pass would be, with that pod named', async () => {
    await assert.rejects(rehearse('served'), {
      code: 'VALIDATE',
      detail: 'all that it wrote',
      message: 'weight 999; it works without web 10.0.0.3 (web-3): mend what they send, or the template',
    });
  });

  test('no pod is to blame -> as it was refused', async () => {
    await assert.rejects(rehearse('nobody'), fault => fault === FAULT);
    const bug = new Error('a bug');
    await assert.rejects(rehearse('nobody', bug), fault => fault === bug);
  });
});
