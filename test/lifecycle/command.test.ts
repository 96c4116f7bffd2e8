import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {type ControlCommand, parseCommand} from '../../src/lifecycle/command.ts';
import {fc} from '../support/properties.ts';

const parse = (text: string): ControlCommand => parseCommand(Buffer.from(text)).command;
const inputOf = (text: string): string | undefined => {
  const command = parse(text);
  assert.ok(command.is === 'WAIT' || command.is === 'GOTO');
  return command.input?.toString();
};

describe('control command', () => {
  test('with and without the line end of echo -> the same', () => {
    for (const text of ['STATE', 'STATE\n', 'STATE\r\n']) assert.deepEqual(parse(text), {is: 'STATE'});
    assert.deepEqual(parse('DIE\n'), {is: 'DIE'});
    assert.deepEqual(parse('GOTO configure\n'), {is: 'GOTO', tag: 'configure', input: undefined});
  });

  test('what follows the tag -> input, verbatim but for the line ends behind it', () => {
    assert.equal(inputOf('WAIT configure {"a": [1]}\n'), '{"a": [1]}');
    assert.equal(inputOf('WAIT configure   x  \n\r\n\n'), '  x  ');
    assert.equal(inputOf('WAIT configure\tx'), 'x');
    assert.equal(inputOf('WAIT configure '), '');
    assert.equal(inputOf('WAIT configure\nline\n'), 'line');
  });

  test('any bytes -> come back as they were, without line ends behind them', () => {
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 200}), bytes => {
        const {command} = parseCommand(Buffer.concat([Buffer.from('WAIT t '), bytes, Buffer.from('\n')]));
        assert.ok(command.is === 'WAIT' && command.input !== undefined);
        const end = bytes.findLastIndex(byte => byte !== 10 && byte !== 13) + 1;
        assert.deepEqual(new Uint8Array(command.input), bytes.slice(0, end));
      }),
    );
  });

  test('SET -> name and value, the value as it is', () => {
    assert.deepEqual(parse('SET A b  c\n'), {is: 'SET', name: 'A', value: 'b  c'});
    assert.deepEqual(parse('SET A'), {is: 'SET', name: 'A', value: ''});
  });

  test('job commands -> verb and names', () => {
    assert.deepEqual(parse('JOB restart haproxy telegraf\n'), {
      is: 'JOB',
      verb: 'restart',
      jobs: ['haproxy', 'telegraf'],
    });
    assert.deepEqual(parse('JOB status'), {is: 'JOB', verb: 'status', jobs: []});
  });

  test('a question mark before it -> reasons are wanted', () => {
    assert.deepEqual(parseCommand(Buffer.from('?STATE')), {explain: true, command: {is: 'STATE'}});
    assert.equal(parseCommand(Buffer.from('STATE')).explain, false);
  });

  for (const text of [
    '',
    '\n',
    'state',
    'STATES',
    'WAIT',
    'GOTO ',
    'SET',
    'SET 1A x',
    'SET A-B x',
    'SET A x\0',
    'SET SOCKET x',
    'JOB',
    'JOB kill x',
  ]) {
    test(`${JSON.stringify(text)} -> unknown, with a reason`, () => {
      const command = parse(text);
      assert.ok(command.is === 'unknown' && command.reason !== '', JSON.stringify(command));
    });
  }
});
