import assert from 'node:assert/strict';
import {test} from 'node:test';
import {type ActionName, appliesAtOnce, type StateStep} from '../../src/lifecycle/spec.ts';

const action = (name: ActionName): StateStep => ({is: 'action', name});
const hook: StateStep = {is: 'shell', block: 'true'};

for (const [name, steps, isAtOnce] of [
  ['validate, then apply', [action('render'), action('validate'), action('apply'), hook], true],
  ['a hook between', [action('render'), action('validate'), hook, action('apply')], false],
  ['a job between', [action('validate'), {is: 'job', verb: 'start', job: 'a'}, action('apply')], false],
  ['no apply', [action('render'), action('validate')], false],
  ['no steps', undefined, false],
] as const) {
  test(`a state with ${name} -> ${isAtOnce}`, () => assert.equal(appliesAtOnce(steps), isAtOnce));
}
