import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createReader} from '../../src/config/reader.ts';

test('reader, unset and blank values -> the defaults', () => {
  const reader = createReader({A: '', B: '  '});
  for (const name of ['A', 'B', 'C']) {
    assert.equal(reader.text(name), undefined);
    assert.equal(reader.integer(name, 7, {min: 0, max: 9}), 7);
    assert.equal(reader.secondsMs(name, 1500, {minMs: 0, maxMs: 9000}), 1500);
    assert.equal(reader.oneOf(name, 'x', ['x', 'y']), 'x');
    assert.deepEqual(reader.labels(name), {});
  }
  assert.deepEqual([reader.faults, reader.warnings], [[], []]);
});

test('reader, text -> as it was given, blanks around it too', () => {
  assert.equal(createReader({A: ' two  words\n'}).text('A'), ' two  words\n');
});

test('reader, seconds with decimals -> whole milliseconds', () => {
  const reader = createReader({A: '0.25', B: '1.0004'});
  assert.equal(reader.secondsMs('A', 0, {minMs: 0, maxMs: 1000}), 250);
  assert.equal(reader.secondsMs('B', 0, {minMs: 0, maxMs: 2000}), 1000);
});

test('reader, values out of bounds or of another kind -> one fault each, with value and bounds', () => {
  const reader = createReader({A: '10', B: 'ten', C: 'Infinity', D: 'green', E: '[1]', F: '2.5'});
  assert.equal(reader.integer('A', 1, {min: 0, max: 9}), 1);
  reader.integer('B', 1, {min: 0, max: 9});
  reader.secondsMs('C', 1, {minMs: 0, maxMs: 9000});
  reader.oneOf('D', 'red', ['red', 'blue']);
  reader.labels('E');
  reader.integer('F', 1, {min: 0, max: 9});
  assert.deepEqual(reader.faults, [
    'A "10" is not a whole number from 0 to 9',
    'B "ten" is not a whole number from 0 to 9',
    'C "Infinity" is not a number of seconds from 0 to 9',
    'D "green" is none of red, blue',
    'E is not a JSON object of strings',
    'F "2.5" is not a whole number from 0 to 9',
  ]);
});

test('reader, a long value -> cut in the message', () => {
  const reader = createReader({A: 'x'.repeat(5000)});
  reader.integer('A', 1, {min: 0, max: 9});
  assert.ok((reader.faults[0]?.length ?? 0) < 150);
});

test('reader, a service variable read twice -> one warning', () => {
  const reader = createReader({KONTROL_PORT: 'tcp://10.0.0.1:8000'});
  reader.text('KONTROL_PORT');
  assert.equal(reader.integer('KONTROL_PORT', 8000, {min: 0, max: 65_535}), 8000);
  assert.deepEqual([reader.faults.length, reader.warnings.length], [0, 1]);
});

test('reader, an address with a user and a password -> neither is in what is said of it', () => {
  const reader = createReader({A: 'http://bob:hunter2@h', B: 'tcp://bob:hunter2@h', C: 'bob:hunter2@h'});
  reader.integer('A', 1, {min: 0, max: 9});
  reader.text('B');
  reader.fault(`C ${reader.text('C')} is no address, nor is "https://hunter2@h" or "a b"`);
  reader.fault('D 10.0.0.1:80 is taken by a@b');
  assert.deepEqual(
    [...reader.faults, ...reader.warnings],
    [
      'A "http://***@h" is not a whole number from 0 to 9',
      'C ***@h is no address, nor is "https://***@h" or "a b"',
      'D 10.0.0.1:80 is taken by a@b',
      "B=tcp://***@h is Kubernetes' own service variable, not a setting: ignored",
    ],
  );
});
