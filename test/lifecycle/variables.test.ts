import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {describe, test} from 'node:test';
import {createBlockVariables, fitsEnvironment, splitFitting} from '../../src/lifecycle/variables.ts';

const runWith = (name: string, value: string): string | undefined => {
  try {
    return execFileSync('/bin/sh', ['-c', `printf %s "\${#${name}}"`], {env: {[name]: value}, encoding: 'utf8'});
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
};

describe('variables', () => {
  test('the longest that fits -> the kernel takes it, and not one byte more', {
    skip: process.platform !== 'linux',
  }, () => {
    const longest = 'x'.repeat((128 << 10) - 'V='.length - 1);
    assert.deepEqual([fitsEnvironment('V', longest), runWith('V', longest)], [true, String(longest.length)]);
    assert.deepEqual([fitsEnvironment('V', `${longest}x`), runWith('V', `${longest}x`)], [false, 'E2BIG']);
  });

  test('bytes count, not characters; NUL never fits', () => {
    assert.equal(fitsEnvironment('V', 'é'.repeat(65_535)), false);
    assert.equal(fitsEnvironment('V', 'a\0b'), false);
  });

  test('set and set again -> the last value', () => {
    const variables = createBlockVariables();
    assert.deepEqual(
      [variables.set('A', '1'), variables.set('B', '2'), variables.set('A', '3')],
      Array(3).fill(undefined),
    );
    assert.deepEqual(variables.all(), {A: '3', B: '2'});
  });

  test('too long, too many, too much in all -> refused, what was set stays', () => {
    const long = createBlockVariables();
    assert.equal(long.set('A', 'x'.repeat(128 << 10)), 'name and value have 128 KiB at most');
    const many = createBlockVariables();
    for (let index = 0; index < 256; index += 1) assert.equal(many.set(`V${index}`, ''), undefined);
    assert.deepEqual([many.set('V256', ''), many.set('V0', 'x')], ['there are 256 variables at most', undefined]);
    const much = createBlockVariables();
    const set = [1, 2, 3, 4, 5].map(index => much.set(`V${index}`, 'x'.repeat(120_000)));
    assert.deepEqual(set, [...Array(4).fill(undefined), 'all variables have 512 KiB at most']);
    assert.deepEqual(Object.keys(much.all()), ['V1', 'V2', 'V3', 'V4']);
    const left = (512 << 10) - 4 * 'V1='.length - 4 * 120_000 - 'W='.length;
    assert.equal(much.set('W', 'x'.repeat(left + 1)), 'all variables have 512 KiB at most');
    assert.equal(much.set('W', 'x'.repeat(left)), undefined);
  });

  test('a whole environment -> split into what fits and the names of the rest', () => {
    const {fitting, tooLong} = splitFitting({A: 'x', B: 'x'.repeat(128 << 10)});
    assert.deepEqual([fitting, tooLong], [{A: 'x'}, ['B']]);
  });
});
