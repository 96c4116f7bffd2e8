import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {type BootPorts, boot} from '../../../src/commands/daemon/boot.ts';
import {openEnding} from '../../../src/commands/daemon/ending.ts';

/** A boot of fakes; what was done, in its order. `stopAt` is when a stop is asked for. */
async function bootWith(given: {
  isOf2017?: boolean;
  fault?: Error;
  /** Of the initial state. */
  setupFault?: Error;
  serving?: NonNullable<NonNullable<BootPorts['fallback']['refusal']>['serving']>;
  stopAt?: 'setup' | 'pass';
}) {
  const {isOf2017 = false, fault, setupFault, serving, stopAt} = given;
  const done: string[] = [];
  const ending = openEnding({on: () => {}});
  const step = (name: string) => {
    done.push(name);
    if (name === stopAt) ending.ask();
  };
  const outcome = await boot({
    isOf2017,
    scripts: {telegraf: async () => step('telegraf'), jobs: {autostart: () => step('jobs')}},
    lifecycle: {
      async boot() {
        step('setup');
        if (setupFault !== undefined) throw setupFault;
      },
    },
    converger: {
      async start() {
        step('pass');
        if (fault !== undefined) throw fault;
      },
    },
    fallback: {refusal: fault && {reason: 'no', sinceAt: 1, serving}},
    ending,
    startFromDisk: async ({message}: Error) => step(`disk: ${message}`),
  } as BootPorts).then(
    () => 'up',
    (error: Error) => error.message,
  );
  return {done, outcome};
}

const NO = new Error('no');
const SERVING = {pass: 1, sinceAt: 1, replica: null};

describe('the boot of a pipeline', () => {
  test('all goes well -> the initial state, then jobs, then the first pass; telegraf first where blocks of 2017 start it', async () => {
    assert.deepEqual(await bootWith({}), {done: ['setup', 'jobs', 'pass'], outcome: 'up'});
    assert.deepEqual((await bootWith({isOf2017: true})).done, ['telegraf', 'setup', 'jobs', 'pass']);
  });

  test('the initial state fails -> fatal; with blocks of 2017 the start goes on', async () => {
    assert.deepEqual(await bootWith({setupFault: NO}), {done: ['setup'], outcome: 'no'});
    const {done, outcome} = await bootWith({setupFault: NO, isOf2017: true});
    assert.deepEqual([done, outcome], [['telegraf', 'setup', 'jobs', 'pass'], 'up']);
  });

  test('the first pass fails -> from the disk, unless a template that worked serves already', async () => {
    assert.deepEqual((await bootWith({fault: NO})).done, ['setup', 'jobs', 'pass', 'disk: no']);
    assert.deepEqual((await bootWith({fault: NO, serving: SERVING})).done, ['setup', 'jobs', 'pass']);
  });

  test('a stop during the first pass -> nothing from the disk; during the initial state -> no jobs, no pass', async () => {
    assert.deepEqual((await bootWith({fault: NO, stopAt: 'pass'})).done, ['setup', 'jobs', 'pass']);
    assert.deepEqual(await bootWith({stopAt: 'setup'}), {done: ['setup'], outcome: 'a stop was asked for'});
  });
});
