import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {ownedTests} from './owned-tests.ts';

const imports = new Map([
  ['src/a/one.ts', []],
  ['src/a/two.ts', ['src/a/one.ts']],
  ['src/slave/lone.ts', []],
  ['src/x/lone.ts', []],
  ['test/a/one.test.ts', []],
  ['test/a/two.test.ts', ['src/a/two.ts']],
  ['test/b/other.test.ts', ['src/a/one.ts']],
  ['test/a/one-real.test.ts', ['src/a/one.ts']],
  ['test/fixture.ts', ['src/a/one.ts']],
  ['test/b/far.test.ts', ['test/fixture.ts']],
  ['test/b/farther.test.ts', ['test/b/far.test.ts']],
  ['test/integration/story.test.ts', ['src/a/one.ts', 'src/slave/lone.ts']],
]);

describe('the tests of a file', () => {
  test('its mirror, who imports it, who imports that -> in this order, integration tests not among them', () => {
    assert.deepEqual(ownedTests('src/a/one.ts', imports), {
      kind: 'unit',
      tests: ['test/a/one.test.ts', 'test/b/other.test.ts', 'test/a/two.test.ts', 'test/b/far.test.ts'],
    });
  });

  test('a part that only a fixture reaches -> the tests of the fixture', () => {
    const part = new Map([...imports, ['src/a/part.ts', []], ['src/a/whole.ts', ['src/a/part.ts']]] as const);
    part.set('test/whole.ts', ['src/a/whole.ts']).set('test/a/whole.test.ts', ['test/whole.ts']);
    assert.deepEqual(ownedTests('src/a/part.ts', part), {kind: 'unit', tests: ['test/a/whole.test.ts']});
  });

  test('no unit test -> the integration tests that are named for its room, or none', () => {
    assert.deepEqual(ownedTests('src/slave/lone.ts', imports), {
      kind: 'integration',
      tests: ['test/integration/slave-mode.test.ts'],
    });
    assert.deepEqual(ownedTests('src/x/lone.ts', imports), {kind: 'integration', tests: []});
  });
});
