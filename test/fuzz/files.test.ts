import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {decodeJobRecords, encodeJobRecords} from '../../src/jobs/job-records.ts';
import {parseDownward} from '../../src/kubernetes/downward-text.ts';
import {decodeHistory, encodeHistory} from '../../src/lifecycle/history-text.ts';
import {parseManifest} from '../../src/lifecycle/manifest.ts';
import {decodeDocument, encodeDocument} from '../../src/members/etcd/document.ts';
import {decodeSnapshot, encodeSnapshot} from '../../src/members/snapshot.ts';
import {decodeRecords, encodeRecords} from '../../src/reload/process-records.ts';
import {createFrameReader, encodeFrame} from '../../src/template/frames.ts';
import {memberOf} from '../members/fixtures.ts';
import {fc} from '../support/properties.ts';
import {budget} from './budget.ts';
import {mutatedText} from './mutated.ts';

const NOW = 1_500_000_000_000;

const SNAPSHOT = encodeSnapshot(
  {seq: 9, members: [memberOf(), memberOf({ip: '10.2.0.18', seq: undefined, payload: {a: ['b', 1]}})]},
  NOW,
);

test('snapshot, a text that was altered anywhere -> foreign, unless nothing changed', () => {
  fc.assert(
    fc.property(mutatedText([SNAPSHOT]), text => {
      const decoded = decodeSnapshot(text, NOW);
      if (decoded.is === 'foreign') assert.ok(decoded.reason.length > 0);
      else assert.equal(text, SNAPSHOT);
    }),
    budget(),
  );
});

/** A content with a checksum that matches: who can write the file can do that. */
const signed = (content: string): string => {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return `{"format":"haproxy-kontrol members","version":1,"sha256":"${sha256}","content":${content}}\n`;
};

test('snapshot, any content under a true checksum -> foreign, or what a slave could have said, read back the same', () => {
  const content = SNAPSHOT.slice(SNAPSHOT.indexOf('"content":') + '"content":'.length, -2);
  const words = ['"seq":', '"members":[', '"ip":"0.0.0.0"', '"isShared":true', '"writtenAt":1'];
  fc.assert(
    fc.property(mutatedText([content], words), text => {
      const decoded = decodeSnapshot(signed(text), NOW);
      if (decoded.is !== 'fresh') return;
      const {snapshot} = decoded;
      assert.ok(Number.isSafeInteger(snapshot.seq) && snapshot.seq >= 0);
      assert.deepEqual(decodeSnapshot(encodeSnapshot(snapshot, NOW), NOW), decoded);
    }),
    budget(),
  );
});

test('document of etcd, any text -> undefined, or one that is read back the same', () => {
  const valid = [
    encodeDocument({is: 'alive', member: memberOf(), sharesLease: true}),
    encodeDocument({is: 'held', member: memberOf(), forMs: 7}),
    encodeDocument({is: 'down', member: memberOf()}),
  ];
  fc.assert(
    fc.property(mutatedText(valid, ['"is":"held"', '"forMs":-1']), text => {
      const document = decodeDocument(text);
      if (document !== undefined) assert.deepEqual(decodeDocument(encodeDocument(document)), document);
    }),
    budget(),
  );
});

test('records of processes, any text -> none, or numbers that a process can have', () => {
  const generations = encodeRecords({last: 7, processes: [{pid: 12, startTicks: 345, generation: 7}]});
  const jobs = encodeJobRecords([{job: 'telegraf', pid: 12, startTicks: 345, stopWaitMs: 10_000}]);
  fc.assert(
    fc.property(mutatedText([generations, jobs], ['"pid":-1', '"pid":0', '"last":-1', '[null]']), text => {
      const records = decodeRecords(text);
      if (records !== undefined) assert.deepEqual(decodeRecords(encodeRecords(records)), records);
      // A signal to PID 0 would reach our own process group, one to -1 everybody.
      for (const {pid} of [...(records?.processes ?? []), ...decodeJobRecords(text)]) assert.ok(pid > 0, `pid ${pid}`);
      assert.ok((records?.last ?? 0) >= 0);
    }),
    budget(),
  );
});

test('history, any text -> undefined, or one that is written and read back the same', () => {
  const movers = {pods: [{app: 'web', ip: '10.0.0.1', id: 'web-1'}], more: 0};
  const entry = {
    pass: 1,
    generation: 1,
    way: 'start',
    why: '',
    cause: 'start',
    startedAt: NOW,
    phasesMs: {render: 1},
    verdict: 'ok' as const,
    error: null,
    joined: movers,
    left: {pods: [], more: 0},
    difference: {added: 1, removed: 0, text: '', tooLarge: false},
    secretsChanged: false,
    configuration: {digest: 'a'.repeat(64), bytes: 3},
    template: null,
  };
  fc.assert(
    fc.property(
      mutatedText([encodeHistory({entries: [entry], pods: movers.pods})], ['"entries":[', '"digest":"../"']),
      text => {
        const history = decodeHistory(text);
        if (history !== undefined) assert.deepEqual(decodeHistory(encodeHistory(history)), history);
      },
    ),
    budget(),
  );
});

test('manifest, any text -> refused with LIFECYCLE, or a machine whose every name is there', () => {
  const packaged = readFileSync('lifecycle.yml', 'utf8');
  const old =
    'initial: a\nterminal: c\nstates:\n  - {tag: a, shell: "x", next: [configure]}\n  - tag: configure\n    shell: |\n      y\n    next: "*"\n  - tag: c\n    force: yes\n';
  const bomb = '&a [x,x,x,x,x,x,x,x,x]\n&b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n';
  const words = [
    'states:',
    '- tag: ',
    'run: [',
    'shell: ',
    'jobs:\n',
    '&a ',
    '*a',
    '<<: *a',
    '!!binary ',
    '!!set',
    '? ',
    '|',
    '>-',
    bomb,
    'timeout: .inf',
    '0o7',
    '2026-01-01',
  ];
  fc.assert(
    fc.property(mutatedText([packaged, old], words), text => {
      try {
        const {initial, terminal, states, jobs} = parseManifest(text, 'lifecycle.yml');
        assert.ok(states.has(initial) && states.has(terminal) && states.has('configure'));
        for (const {tag, timeoutMs} of states.values()) {
          assert.match(tag, /^[0-9A-Za-z._-]{1,64}$/);
          assert.ok(timeoutMs === undefined || (timeoutMs > 0 && timeoutMs <= 86_400_000));
        }
        for (const {name} of jobs) assert.match(name, /^[0-9A-Za-z._-]{1,64}$/);
      } catch (error) {
        assert.ok(error instanceof DaemonError, String(error instanceof Error ? error.stack : error));
        assert.equal(error.code, 'LIFECYCLE');
        assert.match(error.message, /^cannot read lifecycle\.yml: line \d+: /);
      }
    }),
    budget(),
  );
});

/** Go's strconv.Quote for what needs no letter of its own. */
const goQuote = (text: string): string =>
  `"${[...text].map(char => (/[\\"]/.test(char) ? `\\${char}` : /[\p{L}\p{N} -/:-@[-`{-~]/u.test(char) ? char : `\\U${(char.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`)).join('')}"`;

test('downward file, any text -> undefined or labels; what Go writes comes back as it was', () => {
  fc.assert(
    fc.property(
      mutatedText(['app="web"\nrole="a\\nb\\"c\\\\"\n', 'a="\\u00e9\\U0001f600\\xff"'], ['="', '"\n', '\\U00110000']),
      text => {
        const labels = parseDownward(text);
        if (labels !== undefined) assert.ok(Object.values(labels).every(value => typeof value === 'string'));
        assert.equal({}.constructor, Object);
      },
    ),
    budget(),
  );
  fc.assert(
    fc.property(fc.string({unit: 'grapheme'}), value => {
      assert.deepEqual(parseDownward(`key=${goQuote(value)}\n`), {key: value});
    }),
    budget(),
  );
});

test('frames from the render process, any pieces -> the texts that were sent; more than the limit is refused', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({unit: 'binary'}), {maxLength: 20}),
      fc.array(fc.nat(50), {maxLength: 20}),
      (texts, sizes) => {
        const sent = texts.map(text => text.toWellFormed());
        const frame = encodeFrame(sent);
        const read = createFrameReader(1 << 20);
        let got: string[] | undefined;
        let from = 0;
        for (const size of [...sizes, frame.length]) {
          if (from >= frame.length) break;
          got = read(frame.subarray(from, from + size));
          from += size;
        }
        assert.deepEqual(got, sent);
      },
    ),
    budget(),
  );
  assert.throws(() => createFrameReader(8)(Buffer.alloc(9)), RangeError);
});
