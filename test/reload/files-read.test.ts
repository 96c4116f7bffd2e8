import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {findChangedFiles, noteFiles} from '../../src/reload/files-read.ts';

const TEXT = 'frontend f\n  use_backend %[path,map(/a.map)] if { src -f /b.lst }\n';

/** Files with a text, or none where that is undefined, and a stamp. */
function openFiles() {
  const contents = new Map<string, {text?: string; stamp: string}>([
    ['/a.map', {text: 'one', stamp: '1'}],
    ['/b.lst', {text: 'two', stamp: '1'}],
  ]);
  const asked: string[] = [];
  return {
    contents,
    asked,
    async readText(path: string) {
      asked.push(path);
      return contents.get(path)?.text;
    },
    readStamp: async (path: string) => contents.get(path)?.stamp,
  };
}

describe('files that a HAProxy has read', () => {
  test('as they were -> none has changed, none is read again', async () => {
    const files = openFiles();
    const read = await noteFiles(TEXT, files);
    files.asked.length = 0;
    assert.deepEqual(await findChangedFiles(read, files), []);
    assert.deepEqual(files.asked, []);
  });

  test('other content -> changed, each time it is asked', async () => {
    const files = openFiles();
    const read = await noteFiles(TEXT, files);
    files.contents.set('/a.map', {text: 'another', stamp: '2'});
    assert.deepEqual(await findChangedFiles(read, files), ['/a.map']);
    assert.deepEqual(await findChangedFiles(read, files), ['/a.map']);
  });

  test('the same content written again, as volumes of Kubernetes are -> not changed, read once', async () => {
    const files = openFiles();
    const read = await noteFiles(TEXT, files);
    files.asked.length = 0;
    files.contents.set('/a.map', {text: 'one', stamp: '2'});
    assert.deepEqual(await findChangedFiles(read, files), []);
    assert.deepEqual(await findChangedFiles(read, files), []);
    assert.deepEqual(files.asked, ['/a.map']);
  });

  test('one goes, another comes -> both have changed', async () => {
    const files = openFiles();
    files.contents.delete('/b.lst');
    const read = await noteFiles(TEXT, files);
    files.contents.delete('/a.map');
    files.contents.set('/b.lst', {text: 'two', stamp: '1'});
    assert.deepEqual(await findChangedFiles(read, files), ['/a.map', '/b.lst']);
  });

  test('one that we may not read -> as good as absent', async () => {
    const refuse = async () => {
      throw Object.assign(new Error('EACCES'), {code: 'EACCES'});
    };
    const files = {readText: refuse, readStamp: refuse};
    assert.deepEqual(await findChangedFiles(await noteFiles(TEXT, files), files), []);
  });
});
