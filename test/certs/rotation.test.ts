import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Pair} from '../../src/certs/pair.ts';
import {type AskProxy, canSetCertificates, createRotation} from '../../src/certs/rotation.ts';
import {createRecordingLog} from '../kubernetes/recording-log.ts';
import {systemError} from '../support/system-error.ts';

const pairOf = (fingerprint: string): Pair => ({pem: `pem ${fingerprint}\n`, fingerprint, expiresAt: 0, names: ''});

/** A folder with one certificate, and a HAProxy that answers as told. */
function openStage(ask: AskProxy | undefined) {
  const pairs = new Map([['a', pairOf('1')]]);
  const folder = {path: '/data/certs', pathOf: (name: string) => `/data/certs/${name}.pem`, pairs: () => pairs};
  const {log, lines} = createRecordingLog();
  return {pairs, lines, rotation: createRotation({folder, ask, log})};
}

const BY_NAME = 'bind :443 ssl crt /data/certs/a.pem';
const WHOLE = 'bind :443 ssl crt /data/certs/ alpn h2';

describe('rotation', () => {
  test('nothing loaded yet -> a reload; loaded -> nothing; changed -> a reload', async () => {
    for (const text of [BY_NAME, WHOLE]) {
      const {rotation, pairs} = openStage(undefined);
      assert.equal(await rotation.refresh(text), true);
      rotation.loaded();
      assert.equal(await rotation.refresh(text), false);
      pairs.set('a', pairOf('2'));
      assert.equal(await rotation.refresh(text), true);
      rotation.loaded();
      pairs.set('b', pairOf('3'));
      assert.equal(await rotation.refresh(text), text === WHOLE);
    }
  });

  test('a text that uses no certificate -> never a reload', async () => {
    const {rotation, pairs} = openStage(undefined);
    assert.equal(await rotation.refresh('bind :80'), false);
    pairs.set('a', pairOf('2'));
    assert.equal(await rotation.refresh('bind :80 # /data/certs2/a.pem'), false);
  });

  test('2.1 and later -> given over the runtime socket, no reload', async () => {
    const asked: (string | undefined)[] = [];
    const {rotation, pairs} = openStage(async (command, payload) => {
      asked.push(command, payload);
      return command.startsWith('set')
        ? 'Transaction created for certificate /data/certs/a.pem!'
        : 'Committing.\nSuccess!';
    });
    await rotation.refresh(BY_NAME);
    rotation.loaded();
    pairs.set('a', pairOf('2'));
    assert.equal(await rotation.refresh(BY_NAME), false);
    assert.equal(await rotation.refresh(BY_NAME), false);
    assert.deepEqual(asked, [
      'set ssl cert /data/certs/a.pem',
      'pem 2\n',
      'commit ssl cert /data/certs/a.pem',
      undefined,
    ]);
  });

  test('refused or unanswered at runtime -> a reload, and one line in the log', async () => {
    for (const answer of ['unable to load certificate', 'Transaction created', undefined]) {
      const {rotation, pairs, lines} = openStage(async () => {
        if (answer === undefined) throw systemError('ECONNREFUSED');
        return answer;
      });
      await rotation.refresh(BY_NAME);
      rotation.loaded();
      pairs.set('a', pairOf('2'));
      assert.equal(await rotation.refresh(BY_NAME), true);
      assert.equal(lines.length, 1);
    }
  });

  test('a file that left the folder -> a reload where the folder is loaded whole', async () => {
    for (const text of [BY_NAME, WHOLE]) {
      const {rotation} = openStage(undefined);
      await rotation.refresh(text);
      rotation.loaded();
      rotation.shrunk();
      assert.equal(await rotation.refresh(text), text === WHOLE);
    }
  });

  test('replaced while a reload ran -> still to be loaded after it', async () => {
    const {rotation, pairs} = openStage(undefined);
    await rotation.refresh(BY_NAME);
    pairs.set('a', pairOf('2'));
    rotation.loaded();
    assert.equal(await rotation.refresh(BY_NAME), true);
  });

  test('versions -> runtime since 2.1', () => {
    const versions: readonly [number, number][] = [
      [1, 7],
      [2, 0],
      [2, 1],
      [2, 6],
      [3, 0],
    ];
    assert.deepEqual(
      versions.map(([major, minor]) => canSetCertificates({major, minor})),
      [false, false, true, true, true],
    );
  });
});
