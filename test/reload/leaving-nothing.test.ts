import assert from 'node:assert/strict';
import {readdir, readFile} from 'node:fs/promises';
import {describe, test} from 'node:test';
import type {Files} from '../../src/ports/files.ts';
import {systemFiles} from '../../src/ports/files.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {systemError} from '../support/system-error.ts';
import {waitFor} from '../support/wait.ts';
import {openHere, statusOf, textOn} from './here.ts';

/** Files of which one method fails for paths that end so, as long as it is switched on. */
function failing(method: 'replace' | 'prepare' | 'remove', suffix: string) {
  const fault = {isOn: false};
  const act = systemFiles[method] as (path: string, ...rest: unknown[]) => Promise<unknown>;
  const files = {
    ...systemFiles,
    [method]: (path: string, ...rest: unknown[]) =>
      fault.isOn && path.endsWith(suffix) ? Promise.reject(systemError('EIO', 'i/o error')) : act(path, ...rest),
  } as Files;
  return {files, fault};
}

/** Files of which those that end so can be written, but not put in place. */
function keptOut(suffix: string) {
  const fault = {isOn: false};
  const files: Files = {
    ...systemFiles,
    async prepare(path, ...rest) {
      const {commit, discard} = await systemFiles.prepare(path, ...rest);
      const isKeptOut = () => fault.isOn && path.endsWith(suffix);
      return {commit: () => (isKeptOut() ? Promise.reject(systemError('EIO', 'i/o error')) : commit()), discard};
    },
  };
  return {files, fault};
}

const filesOf = async (folder: string): Promise<string[]> =>
  (await readdir(`${folder}/run`)).filter(name => /^\d/.test(name)).sort();

describe('a fault on the way', {skip: missing('haproxy'), timeout: 120_000}, () => {
  test('the second file of a candidate cannot be written -> none of it is left, try after try', async () => {
    const {files, fault} = failing('replace', '.control.cfg');
    await using here = await openHere({files});
    const port = await freePort();
    await here.apply(textOn([port]));
    const before = await filesOf(here.folder);
    fault.isOn = true;
    for (let tries = 0; tries < 3; tries += 1) {
      await assert.rejects(here.apply(textOn([port], 1)), {code: 'APPLY', message: /^cannot write /});
    }
    assert.deepEqual(await filesOf(here.folder), before);
    fault.isOn = false;
    await here.apply(textOn([port], 1));
    assert.equal(await statusOf(port), 503);
  });

  test('HAProxy was told, but the next proxy.cfg cannot be written -> told back, and both say the same', async () => {
    const {files, fault} = failing('prepare', 'proxy.cfg');
    await using here = await openHere({files});
    const text = `${textOn([await freePort()])}  server one 127.0.0.1:1\n`;
    await here.apply(text);
    fault.isOn = true;
    await assert.rejects(here.apply(text.replace('127.0.0.1:1', '127.0.0.2:1')), {code: 'APPLY'});
    assert.ok(here.generations.isServing(text));
    assert.match(await here.ask('show servers state'), / one 127\.0\.0\.1 /);
    assert.equal(await readFile(`${here.folder}/proxy.cfg`, 'utf8'), text);
  });

  test('HAProxy was told, but proxy.cfg cannot be put in place -> not trusted any more: a reload makes both say the same', async () => {
    const {files, fault} = keptOut('proxy.cfg');
    await using here = await openHere({files});
    const port = await freePort();
    const text = (host: string) => `${textOn([port])}  server one ${host}:1\n`;
    await here.apply(text('127.0.0.1'));
    fault.isOn = true;
    await assert.rejects(here.apply(text('127.0.0.2')), {code: 'APPLY'});
    assert.ok(!here.generations.isServing(text('127.0.0.1')), 'it runs something else by now');
    fault.isOn = false;
    const {why} = await here.apply(text('127.0.0.1'));
    assert.match(why, /took only some of the last changes/);
    assert.match(await here.ask('show servers state'), / one 127\.0\.0\.1 /);
    assert.equal(await readFile(`${here.folder}/proxy.cfg`, 'utf8'), text('127.0.0.1'));
    const {generation} = here.generations.status;
    const isClean = async () => (await filesOf(here.folder)).every(name => name.startsWith(`${generation}.`));
    await waitFor(isClean, 'the end of the old generation and its files');
  });

  test('the files of a generation cannot be removed -> tried again with those of the next', async () => {
    const {files, fault} = failing('remove', '1.cfg');
    await using here = await openHere({files});
    const port = await freePort();
    await here.apply(textOn([port]));
    fault.isOn = true;
    await here.apply(textOn([port], 1));
    fault.isOn = false;
    await here.apply(textOn([port], 2));
    const isClean = async () => (await filesOf(here.folder)).every(name => name.startsWith('3.'));
    await waitFor(isClean, 'the end of the other files');
  });
});
