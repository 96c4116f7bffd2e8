import assert from 'node:assert/strict';
import {createInterface} from 'node:readline/promises';
import {PassThrough} from 'node:stream';
import {describe, test} from 'node:test';
import {saysYes} from '../../src/commands/operate.ts';
import {systemError} from '../support/system-error.ts';

describe('the question before a change', () => {
  for (const [what, typed, expected] of [
    ['y', 'y\n', true],
    ['YES with a blank', 'YES \n', true],
    ['n', 'n\n', false],
    ['nothing', '\n', false],
    ['another word', 'yep\n', false],
    ['Ctrl-C', '\u0003', false],
    ['Ctrl-D', '\u0004', false],
  ] as const) {
    test(`answered with ${what} -> ${expected ? 'it is done' : 'nothing is changed'}`, async () => {
      const [input, output] = [new PassThrough(), new PassThrough()];
      const terminal = createInterface({input, output, terminal: true});
      const asked = saysYes(terminal, output);
      input.write(typed);
      assert.equal(await asked, expected);
      terminal.close();
    });
  }

  test('a terminal that cannot be read -> that is told, nothing is taken for an answer', async () => {
    const fault = systemError('EIO');
    await assert.rejects(saysYes({question: () => Promise.reject(fault)}, new PassThrough()), fault);
  });
});
