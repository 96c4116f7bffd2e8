import assert from 'node:assert/strict';
import {test} from 'node:test';
import {openFakeGenerations, textOf} from './fake-generations.ts';

test('how a text would come to serve -> by a start, not at all, at run time or by a reload; nothing is done', async () => {
  const {apply, generations, started} = await openFakeGenerations();
  const wayOf = async (text: string) => (await generations.foresee(text)).way;
  assert.equal(await wayOf(textOf()), 'start');
  await apply(textOf());
  assert.equal(await wayOf(textOf()), 'unchanged');
  assert.equal(await wayOf(textOf(0, 'a 10.0.0.2:80')), 'runtime');
  assert.equal(await wayOf(textOf(1)), 'reload');
  assert.equal(started.length, 1);
});
