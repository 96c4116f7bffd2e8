import assert from 'node:assert/strict';
import {test} from 'node:test';
import fc from 'fast-check';
import {missing} from '../support/parts.ts';
import {CONTEXT} from './context.ts';
import {anyTemplate} from './grammar.ts';
import {openLiveOracle} from './live-oracle.ts';
import {agree, describeDifference, renderOurs} from './oracle.ts';
import {PAST_FAILURES} from './past-failures.ts';

const CASES = 2000;

/** Python's objects print their address: no two runs of Jinja2 agree on such a text. */
const hasAddress = (text: string): boolean => / at 0x[0-9a-f]+/.test(text);

test('template, any of the grammar -> what Jinja2 renders, or both raise', {skip: missing('jinja2')}, async () => {
  using oracle = openLiveOracle();
  const property = fc.asyncProperty(anyTemplate, async template => {
    const one = {template, context: CONTEXT};
    const jinja = await oracle.ask(one);
    if (jinja.ok && hasAddress(jinja.text)) return;
    const ours = renderOurs(one);
    assert.ok(agree(jinja, ours), describeDifference(one, jinja, ours));
  });
  await fc.assert(property, {numRuns: CASES, examples: PAST_FAILURES.map(template => [template])});
});
