import assert from 'node:assert/strict';
import {test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {parseInfo, parseServersState, parseStat} from '../../src/proxy/answers.ts';
import {parseCsv} from '../../src/proxy/csv.ts';
import {parseOutputLine} from '../../src/proxy/output.ts';
import {parseBusyPorts, parseWaitingSockets} from '../../src/proxy/sockets.ts';
import {parseVersion} from '../../src/proxy/version.ts';
import {recordingOf} from '../proxy/recording.ts';
import {fc} from '../support/properties.ts';
import {budget} from './budget.ts';
import {mutatedText} from './mutated.ts';

/** The value, or nothing where it was refused as the docstring says. */
function orRefused<T>(code: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof DaemonError, String(error));
    assert.equal(error.code, code);
    assert.ok(error.message.length < 400 && !error.message.includes('\n'), error.message);
    return undefined;
  }
}

test('show info, any text -> refused with PROXY, or values that hold a Pid', () => {
  fc.assert(
    fc.property(mutatedText([recordingOf('show-info.txt')], ['Pid: ', 'Name: ']), text => {
      const values = orRefused('PROXY', () => parseInfo(text));
      if (values !== undefined) assert.ok(values.has('Pid'));
    }),
    budget(),
  );
});

const csv = (rows: readonly (readonly string[])[]): string =>
  rows.map(fields => `${fields.map(field => `"${field.replaceAll('"', '""')}"`).join(',')},\n`).join('');

test('show stat, any text -> refused with PROXY, or rows that come back when they are written as CSV again', () => {
  const words = ['"', '""', ',"a"', '# pxname,', 'svname'];
  fc.assert(
    fc.property(mutatedText([recordingOf('show-stat.csv'), '# pxname,svname,\nweb,"a ""b"", c",\n'], words), text => {
      const rows = orRefused('PROXY', () => parseStat(text));
      if (rows === undefined || rows[0] === undefined) return;
      const names = Object.keys(rows[0]);
      // Names that repeat collapse into one field, and what looks like a number is put first: neither is HAProxy's.
      if (names[0] !== 'pxname') return;
      const written = csv([['# pxname', ...names.slice(1)], ...rows.map(row => names.map(name => row[name] ?? ''))]);
      assert.deepEqual(parseStat(written), rows);
    }),
    budget(),
  );
});

test('CSV, any fields -> written and read back the same', () => {
  const field = fc.oneof(fc.string({unit: fc.constantFrom('a', '"', ',', '\n', ' ')}), fc.string({unit: 'binary'}));
  fc.assert(
    fc.property(fc.array(fc.array(field, {minLength: 1, maxLength: 4}), {maxLength: 4}), rows => {
      assert.deepEqual(
        parseCsv(csv(rows)),
        rows.map(fields => [...fields, '']),
      );
    }),
    budget(),
  );
});

test('show servers state, any text -> refused with PROXY, or rows as wide as their header', () => {
  fc.assert(
    fc.property(mutatedText([recordingOf('show-servers-state.txt')], ['1\n', '# ', 'srv_addr']), text => {
      const rows = orRefused('PROXY', () => parseServersState(text)) ?? [];
      const widths = new Set(rows.map(row => Object.keys(row).length));
      assert.ok(widths.size <= 1);
    }),
    budget(),
  );
});

test('version, output lines and socket rows, any text -> refused with HAPROXY or read, never anything else', () => {
  const valid = [
    'HAProxy version 2.6.12-1+deb12u4 2024/01/01',
    'HA-Proxy version 1.7.5 2017/04/03',
    '[ALERT] 325/121501 (6730) : text',
    '[WARNING]    (6740) : text',
    'LISTEN 0      128             [::]:80            [::]:*   ',
    'SYN-RECV 0      0      10.0.0.1:80      10.0.0.2:4000 ',
    '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1',
  ];
  fc.assert(
    fc.property(mutatedText(valid), text => {
      const version = orRefused('HAPROXY', () => parseVersion(text));
      if (version !== undefined) assert.ok(Number.isFinite(version.major) && Number.isFinite(version.minor));
      const {level, pid} = parseOutputLine(text);
      assert.ok(['error', 'warn', 'info'].includes(level) && (pid === undefined || Number.isFinite(pid)));
      for (const socket of parseWaitingSockets(text)) {
        assert.ok(socket.localPort >= 0 && socket.localPort < 65_536);
        if (socket.state === 'LISTEN') assert.ok(Number.isFinite(socket.inode) && Number.isFinite(socket.acceptQueue));
      }
      assert.ok([...parseBusyPorts(text)].every(Number.isFinite));
    }),
    budget(),
  );
});
