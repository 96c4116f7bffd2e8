import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createOutlineReader, parseOutline} from '../../src/proxy/outline.ts';
import {atOnce} from '../../src/steps.ts';

const textOf = (...servers: readonly string[]) =>
  `backend web\n${servers.map(name => `  server ${name} 10.0.0.1:80\n`).join('')}`;

test('a text that was read last -> the same outline; any other is read', () => {
  const read = createOutlineReader();
  const [one, two] = [textOf('a'), textOf('a', 'b')];
  const first = atOnce(read(one));
  assert.deepEqual(first, parseOutline(one));
  assert.equal(atOnce(read(`${one}`)), first);
  assert.deepEqual(atOnce(read(two)), parseOutline(two));
  const again = atOnce(read(one));
  assert.deepEqual(again, first);
  assert.notEqual(again, first);
});

test('two texts read in turns, a step of each -> each its own', () => {
  const read = createOutlineReader();
  const many = Array.from({length: 1000}, (_, n) => `s-${n}`);
  const [one, two] = [textOf(...many, 'a'), textOf(...many, 'b')];
  const [slow, quick] = [read(one), read(two)];
  slow.next();
  assert.deepEqual(atOnce(quick), parseOutline(two));
  assert.deepEqual(atOnce(slow), parseOutline(one));
  assert.deepEqual(atOnce(read(two)), parseOutline(two));
});
