import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Run} from '../../src/template/jinja/run.ts';
import {compileTemplate} from '../../src/template/jinja/template.ts';
import {createLineMap} from '../../src/template/line-map.ts';

/** Each line of the rendered text with the template's line behind it. */
function traced(template: string): (readonly [string, number | undefined])[] {
  const run = new Run({deadlineMs: Number.POSITIVE_INFINITY, nowMs: () => 0, seed: 0, tracksLines: true});
  const {text, marks} = compileTemplate(template).render(run, () => undefined);
  const lineOf = createLineMap(text, marks);
  return text.split('\n').map((line, index) => [line.trim(), lineOf(index + 1)] as const);
}

test('line map, text and loops -> the line that wrote each first visible character', () => {
  assert.deepEqual(traced('a\nb\n{% for i in [1, 2] %}\n  c {{ i }}\n{% endfor %}\nd'), [
    ['a', 1],
    ['b', 2],
    ['', 3],
    ['c 1', 4],
    ['', 3],
    ['c 2', 4],
    ['', 5],
    ['d', 6],
  ]);
});

test('line map, stripped blanks, macros and filter blocks -> the line that wrote, or that called', () => {
  const lines = traced(
    '{% macro m() %}x\ny{% endmacro %}\n\n{%- set a = 1 -%}\n\n  b\n{{ m() }}\n{% filter upper %}\nc{% endfilter %}',
  );
  assert.deepEqual(lines, [
    ['b', 6],
    ['x', 7],
    ['y', 7],
    ['', 8],
    ['C', 8],
  ]);
});
