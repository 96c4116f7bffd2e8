import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createGoodTemplate, type SharedGood} from '../../src/template/good-template.ts';
import {openTemplateFile} from '../../src/template/kept-template.ts';
import {createMemoryFiles} from '../members/fixtures.ts';

const PATH = '/data/template-good.json';
const OURS = {pass: 3, template: 'ours', sinceAt: 100};
const THEIRS = {pass: 9, template: 'theirs', sinceAt: 200, replica: 'lb-1'};

async function openStage(kept: object | undefined, there: Awaited<ReturnType<SharedGood['load']>>) {
  const {files, contents} = createMemoryFiles(kept === undefined ? {} : {[PATH]: JSON.stringify(kept)});
  const offered: unknown[][] = [];
  const shared: SharedGood = {
    load: async () => there,
    offer: ({template}, isNew) => void offered.push([template, isNew]),
  };
  return {good: createGoodTemplate(await openTemplateFile(files, PATH), shared), offered, contents};
}

describe('the last template that worked', () => {
  for (const [situation, kept, there, wanted] of [
    ['a fresh replica -> that of another one', undefined, THEIRS, THEIRS],
    ['another one has a newer one -> that', OURS, THEIRS, THEIRS],
    ['another one has an older one -> ours', OURS, {...THEIRS, sinceAt: 50}, OURS],
    ['nobody else has any -> ours', OURS, undefined, OURS],
  ] as const) {
    test(situation, async () => {
      const {good} = await openStage(kept, there);
      assert.deepEqual(await good.recall(), wanted);
    });
  }

  test('one worked here -> that counts, whatever others have; it is offered to them', async () => {
    const {good, offered} = await openStage(undefined, THEIRS);
    await good.put(OURS);
    assert.deepEqual([await good.recall(), offered], [OURS, [['ours', true]]]);
  });

  test('that of another one worked here -> written down with its name; no news to the others', async () => {
    const {good, offered, contents} = await openStage(OURS, THEIRS);
    const found = await good.recall();
    assert.ok(found);
    await good.put(found);
    assert.deepEqual([JSON.parse(contents.get(PATH) ?? ''), offered], [THEIRS, [['theirs', false]]]);
    assert.deepEqual((await openStage(JSON.parse(contents.get(PATH) ?? ''), undefined)).good.current, THEIRS);
  });

  test('its file is removed -> written again once it works again', async () => {
    const {good, contents} = await openStage(OURS, undefined);
    contents.clear();
    await good.put(good.current ?? OURS);
    assert.deepEqual(JSON.parse(contents.get(PATH) ?? ''), OURS);
  });
});
