import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {manifestOf} from './fixtures.ts';

const refusal = (text: string): string => {
  try {
    manifestOf(text);
  } catch (error) {
    assert.equal((error as {code?: string}).code, 'LIFECYCLE');
    return (error as Error).message;
  }
  return assert.fail('it was accepted');
};

const GOOD = `initial: setup
terminal: stop
states:
  - tag: setup
    next: [configure]
    shell: |
      echo ready
  - tag: configure
    run: [render, validate, apply]
    next: [configure, 'expose-*']
    force: true
  - tag: stop
    run: [drain]
`;

const change = (from: string, to: string): string => {
  assert.ok(GOOD.includes(from), from);
  return GOOD.replace(from, to);
};

describe('manifest', () => {
  test('the packaged one -> accepted', () => {
    const {initial, terminal} = manifestOf(readFileSync('lifecycle.yml', 'utf8'));
    assert.deepEqual([initial, terminal], ['setup', 'stop']);
  });

  test('a good one -> its states, with what is not said left at its default', () => {
    const {initial, terminal, states} = manifestOf(GOOD);
    assert.deepEqual([initial, terminal, [...states.keys()]], ['setup', 'stop', ['setup', 'configure', 'stop']]);
    const {shell, force, next} = states.get('setup') ?? assert.fail();
    assert.deepEqual({shell, force, next}, {shell: 'echo ready\n', force: false, next: ['configure']});
    assert.equal(states.get('configure')?.force, true);
    assert.deepEqual(states.get('stop')?.next, []);
  });

  for (const [what, text, reason] of [
    ['no mapping', 'nonsense', /line 1: expected the keys initial, terminal and states/],
    ['an empty file', '', /line 1: expected the keys/],
    ['broken YAML', change('tag: setup', 'tag: [setup'), /line \d+: /],
    ['no states', 'initial: a\nterminal: b\nstates: []\n', /line 3: states: expected a list/],
    [
      'a state that is none',
      change('- tag: setup', '- setup\n  - tag: setup'),
      /line 4: states\[0\]: expected a state/,
    ],
    ['no tag', change('- tag: stop\n    run', '- run'), /tag: expected 1-64/],
    ['a tag with blanks', change('tag: configure', 'tag: to configure'), /line 8: tag: expected 1-64 of letters/],
    ['a tag twice', change('tag: configure', 'tag: setup'), /line 8: tag: "setup" stands twice/],
    ['an unknown action', change('[render,', '[rendre,'), /line 9: run: "rendre" is none of render, validate, apply/],
    ['run that is no list', change('[drain]', 'drain'), /line 13: run: expected a list/],
    ['next that is no list', change('next: [configure]', 'next: {a: b}'), /line 5: next: expected a list/],
    ['shell that is no text', change('shell: |\n      echo ready', 'shell: 7'), /line 6: shell: expected text/],
    ['force that is no boolean', change('force: true', 'force: maybe'), /line 11: force: expected true or false/],
    ['an initial state that is none', change('initial: setup', 'initial: start'), /line 1: initial: expected the tag/],
    ['no terminal state', change('terminal: stop\n', ''), /terminal: expected the tag of a state, one of setup,/],
    ['no state "configure"', GOOD.replaceAll('tag: configure', 'tag: apply'), /there is no state "configure"/],
  ] as const) {
    test(`${what} -> refused, with file, line and key`, () => {
      assert.match(refusal(text), /^cannot read lifecycle\.yml: line \d+: /);
      assert.match(refusal(text), reason);
    });
  }
});
