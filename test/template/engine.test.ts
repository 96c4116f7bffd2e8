import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createEngine} from '../../src/template/engine.ts';

const lineOf = (template: string): unknown => {
  const [answer] = createEngine(Date.now)([
    JSON.stringify({timeoutMs: 20_000, tracksLines: false, names: [], maxLines: 20_000}),
    template,
  ]);
  const {message, at} = JSON.parse(answer);
  assert.equal(message, 'maximum recursion depth exceeded');
  return at?.lineno;
};

test('recursion without end, by macro, by caller, by loop, by block -> named at its line', () => {
  assert.equal(lineOf('a\n{% macro m() %}\n{{ m() }}\n{% endmacro %}\nb\n{{ m() }}'), 2);
  assert.equal(
    lineOf('{% macro m() %}\n{% call m() %}{% endcall %}{{ caller() }}{% endmacro %}{% call m() %}{% endcall %}'),
    1,
  );
  assert.equal(lineOf('x\n{% for i in [1] recursive %}\n{{ loop([1]) }}{% endfor %}'), 2);
  assert.equal(lineOf('x\n{% block a %}\n{{ self.a() }}{% endblock %}'), 2);
});
