import assert from 'node:assert/strict';
import {test} from 'node:test';
import {digestFor, idleOf, openSpareServers} from '../../../src/commands/daemon/passes.ts';
import {parseVersion} from '../../../src/proxy/version.ts';
import {createReadTexts} from '../../../src/reload/read-texts.ts';
import {digestBlockInput, digestInput} from '../../../src/template/input.ts';
import {openLogSink} from '../../members/fixtures.ts';

test('a render process with nothing to do -> ends after 2 min where the damper gives the next one 1 s to start, else never', () => {
  const afterMsOf = (damperMs: number) => idleOf({damperMs})?.afterMs;
  assert.deepEqual([0, 999, 1000, 30_000].map(afterMsOf), [undefined, undefined, 120_000, 120_000]);
});

test('a manifest of 2017 -> its passes go by what its blocks see, others by what a template sees', () => {
  assert.deepEqual([digestFor({isOf2017: true}), digestFor({isOf2017: false})], [digestBlockInput, digestInput]);
});

test('spare servers, auto -> where HAProxy adds none itself, before 2.6; a number -> anywhere, and none at all for 0', () => {
  const {log} = openLogSink();
  const has = (spareServers: 'auto' | number, version: string): boolean => {
    const ground = {haproxy: parseVersion(`HA-Proxy version ${version}-1 2023/04/01\n`)};
    const proxy = {readTexts: createReadTexts()};
    return (
      openSpareServers({config: {spareServers}, room: () => log}, {ground, proxy}, {render: async () => ''}) !==
      undefined
    );
  };
  assert.deepEqual([has('auto', '1.7.5'), has('auto', '2.5.9'), has('auto', '2.6.12')], [true, true, false]);
  assert.deepEqual([has(1, '2.6.12'), has(1, '1.7.5'), has(0, '1.7.5')], [true, true, false]);
});
