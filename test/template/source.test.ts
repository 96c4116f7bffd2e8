import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {TemplateRead} from '../../src/template/read-template.ts';
import {openTemplateText} from '../../src/template/source.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {systemError} from '../support/system-error.ts';

const annotations = () => ({});

/** A template file that a test rewrites (undefined: absent); a second of the clock is one look at it. */
function openScene(initial: string | Error | undefined) {
  let content = initial;
  let changes = 0;
  const clock = createFakeClock();
  const read = async (): Promise<TemplateRead> => {
    if (content instanceof Error) throw content;
    if (content === 'a FIFO') return {is: 'other', reason: 'it is no regular file'};
    if (content === 'a dead disk') return new Promise(() => {});
    return content === undefined ? {is: 'absent'} : {is: 'file', bytes: Buffer.from(content, 'latin1')};
  };
  const text = openTemplateText({is: 'file', path: '/etc/proxy.j2'}, {read, clock, annotations});
  const unfollow = text.follow(() => {
    changes += 1;
  });
  return {
    clock,
    text,
    unfollow,
    changes: () => changes,
    /** What a pass reads of a file that is there between two looks alone. */
    async readMeanwhile(passing: string) {
      const before = content;
      content = passing;
      const loaded = await text.load();
      content = before;
      return loaded;
    },
    async put(next: string | Error | undefined) {
      content = next;
      await clock.advance(1000);
    },
  };
}

test('template file that is not UTF-8 -> refused with the offset; saved as UTF-8 -> read', async () => {
  const scene = openScene('# caf\xe9\n');
  const message =
    'cannot read the template /etc/proxy.j2 (KONTROL_TEMPLATE): it is not UTF-8 at byte 5 (line 1); save it as UTF-8';
  await assert.rejects(scene.text.load(), {code: 'RENDER', message});
  await scene.put('# cafe\n');
  assert.equal(scene.changes(), 1);
  assert.equal(await scene.text.load(), '# cafe\n');
  scene.unfollow();
});

test('template file replaced while it is read -> who asks then gets the new text; no two reads at once', async () => {
  const reads: PromiseWithResolvers<TemplateRead>[] = [];
  const read = () => {
    const one = Promise.withResolvers<TemplateRead>();
    reads.push(one);
    return one.promise;
  };
  const textOf = (content: string): TemplateRead => ({is: 'file', bytes: Buffer.from(content)});
  const source = openTemplateText({is: 'file', path: '/etc/proxy.j2'}, {read, clock: createFakeClock(), annotations});
  const before = source.load();
  const after = [source.load(), source.load()];
  assert.equal(reads.length, 1);
  reads[0]?.resolve(textOf('old'));
  assert.equal(await before, 'old');
  assert.equal(reads.length, 2);
  reads[1]?.resolve(textOf('new'));
  assert.deepEqual(await Promise.all(after), ['new', 'new']);
});

test('template given as text -> that text, for ever', async () => {
  const clock = createFakeClock();
  const read = () => assert.fail('no file is read');
  const source = openTemplateText(
    {is: 'text', text: 'bind :80\n', from: 'KONTROL_TEMPLATE'},
    {read, clock, annotations},
  );
  assert.equal(await source.load(), 'bind :80\n');
  source.follow(() => assert.fail('never changes'))();
  await clock.advance(10_000);
});

test('template file, changed and touched -> one call for each change of its text', async () => {
  const {text, changes, put} = openScene('first');
  assert.equal(await text.load(), 'first');
  await put('first');
  assert.equal(changes(), 0);
  await put('second');
  await put('second');
  assert.equal(changes(), 1);
  assert.equal(await text.load(), 'second');
});

test('template file, gone for a while -> RENDER that names it, a call only when the text is another', async () => {
  const {text, changes, put} = openScene('first');
  await put('first');
  await put(undefined);
  await assert.rejects(text.load(), {
    code: 'RENDER',
    message: 'cannot read the template /etc/proxy.j2 (KONTROL_TEMPLATE): there is no such file',
  });
  await put('first');
  assert.equal(changes(), 0);
  await put(systemError('EACCES', 'permission denied'));
  await assert.rejects(text.load(), {code: 'RENDER', message: /EACCES: permission denied$/});
  await put('second');
  assert.equal(changes(), 1);
});

test('template file, gone for longer than a replacement takes -> a call, once; the same text again: another', async () => {
  const {changes, put} = openScene('first');
  await put('first');
  await put(undefined);
  assert.equal(changes(), 0);
  await put(undefined);
  assert.equal(changes(), 1);
  await put('a FIFO');
  assert.equal(changes(), 1);
  await put('first');
  assert.equal(changes(), 2);
  await put('first');
  assert.equal(changes(), 2);
});

test('template file, gone, read by a pass between two looks and gone again -> a call', async () => {
  const scene = openScene('# one\n');
  await scene.put('# one\n');
  await scene.put(undefined);
  await scene.put(undefined);
  assert.equal(scene.changes(), 1);
  assert.equal(await scene.readMeanwhile('# two\n'), '# two\n');
  await scene.put(undefined);
  await scene.put(undefined);
  assert.equal(scene.changes(), 2);
  await scene.put(undefined);
  assert.equal(scene.changes(), 2);
  scene.unfollow();
});

test('template file, something else meanwhile -> RENDER that says what; healed, a call', async () => {
  const {text, changes, put} = openScene('first');
  await put('first');
  await put('a FIFO');
  await assert.rejects(text.load(), {
    code: 'RENDER',
    message: 'cannot read the template /etc/proxy.j2 (KONTROL_TEMPLATE): it is no regular file',
  });
  await put('second');
  assert.equal(changes(), 1);
});

test('template file, on a disk that does not answer -> RENDER after a while', async () => {
  const {text, put, clock} = openScene('a dead disk');
  const refused = assert.rejects(text.load(), {code: 'RENDER', message: /it cannot be read within 5 s$/});
  await clock.advance(5000);
  await refused;
  await put('a dead disk');
});

test('template file, not followed any more -> silent', async () => {
  const {unfollow, changes, put} = openScene('first');
  await put('first');
  unfollow();
  await put('second');
  assert.equal(changes(), 0);
});

test('template file, changed after it was loaded and before it is followed -> a call', async () => {
  let content = 'first';
  const clock = createFakeClock();
  const text = openTemplateText(
    {is: 'file', path: '/etc/proxy.j2'},
    {read: async () => ({is: 'file', bytes: Buffer.from(content, 'latin1')}), clock, annotations},
  );
  await text.load();
  content = 'second';
  let changes = 0;
  text.follow(() => {
    changes += 1;
  });
  await clock.advance(3000);
  assert.equal(changes, 1);
});

test('template in the annotation -> as it is now; RENDER that names it when it is gone', async () => {
  let seen: Record<string, string> = {'haproxy.unity3d.com/config': 'bind :80'};
  const ports = {read: () => assert.fail('no file is read'), clock: createFakeClock()};
  const text = openTemplateText({is: 'annotation'}, {...ports, annotations: () => seen});
  assert.equal(await text.load(), 'bind :80');
  seen = {'haproxy.unity3d.com/config': 'bind :81'};
  assert.equal(await text.load(), 'bind :81');
  seen = {};
  await assert.rejects(text.load(), {code: 'RENDER', message: /the annotation haproxy.unity3d.com\/config is gone/});
});
