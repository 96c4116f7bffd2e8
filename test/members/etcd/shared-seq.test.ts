import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {EtcdFault} from '../../../src/etcd/fault.ts';
import {createSharedSeq} from '../../../src/members/etcd/shared-seq.ts';
import {createSeqMark} from '../../../src/members/seq.ts';

const text = (value: unknown) => Buffer.from(String(value), 'base64').toString();

interface Put {
  readonly compare: readonly {readonly mod_revision: string}[];
  readonly success: readonly {readonly request_put: {readonly value: string}}[];
}

/** One key in etcd, as its transactions see it. `before` runs ahead of each: there another replica may write. */
function createKey(before: (write: (value: string) => void, tries: number) => void = () => {}) {
  let [value, revision, tries] = ['', 0, 0];
  const write = (next: string) => {
    value = next;
    revision += 10;
  };
  return {
    write,
    forget() {
      [value, revision] = ['', 0];
    },
    get value() {
      return value;
    },
    get tries() {
      return tries;
    },
    async ask(_path: string, request: unknown) {
      tries += 1;
      before(write, tries);
      const [put] = (request as {success: {request_txn: Put}[]}).success.map(one => one.request_txn);
      const succeeded = Number(put?.compare[0]?.mod_revision) === revision;
      if (succeeded) write(text(put?.success[0]?.request_put.value));
      const kvs = revision === 0 ? [] : [{value: Buffer.from(value).toString('base64'), mod_revision: `${revision}`}];
      const response = succeeded ? {succeeded} : {responses: [{response_range: {kvs}}]};
      return {header: {revision: String(revision)}, responses: [{response_txn: response}]};
    },
  };
}

describe('shared seq', () => {
  test('claims at once -> one row each, in order; the mark knows the last', async () => {
    const key = createKey();
    const mark = createSeqMark(0);
    const seq = createSharedSeq(key, 'seq', mark);
    assert.deepEqual(await Promise.all([seq.claim(1), seq.claim(3), seq.claim(1)]), [1, 2, 5]);
    assert.deepEqual([mark.highest, key.value, key.tries], [5, '5', 3]);
  });

  test('another replica counted on meanwhile -> upon what it left', async () => {
    const key = createKey((write, tries) => tries === 2 && write('40'));
    const seq = createSharedSeq(key, 'seq', createSeqMark(0));
    assert.equal(await seq.claim(1), 1);
    assert.equal(await seq.claim(2), 41);
    assert.deepEqual([key.value, key.tries], ['42', 3]);
  });

  test('an etcd that knows less than we do, or holds no number -> no number is given again', async () => {
    const garbage = createKey();
    garbage.write('nonsense');
    assert.equal(await createSharedSeq(garbage, 'seq', createSeqMark(0)).claim(1), 1);
    for (const known of ['3', '-7', 'nonsense', '1e999', '']) {
      const key = createKey();
      key.write(known);
      const mark = createSeqMark(12);
      assert.equal(await createSharedSeq(key, 'seq', mark).claim(1), 13);
      assert.deepEqual([key.value, mark.highest], ['13', 13]);
    }
  });

  test('the key is gone meanwhile, as when etcd lost its memory -> written anew, and the numbers go on', async () => {
    const key = createKey();
    const seq = createSharedSeq(key, 'seq', createSeqMark(0));
    assert.equal(await seq.claim(4), 1);
    key.forget();
    assert.equal(await seq.claim(1), 5);
    assert.deepEqual([key.value, key.tries], ['5', 3]);
  });

  test("lost again and again -> given up as etcd's own fault, the next claim tries anew", async () => {
    let isBusy = true;
    const key = createKey((write, tries) => isBusy && write(String(tries)));
    const seq = createSharedSeq(key, 'seq', createSeqMark(0));
    await assert.rejects(
      seq.claim(1),
      (error: unknown) => error instanceof EtcdFault && /100 races/.test(error.message),
    );
    assert.equal(key.tries, 100);
    isBusy = false;
    assert.equal(await seq.claim(1), 101);
  });
});
