import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {openOutput, takeLogLevel} from '../../../src/commands/daemon/output.ts';
import type {LogFormat} from '../../../src/config/config.ts';

/** The daemon's log at `info`, and what it wrote. */
function open(logFormat: LogFormat = 'json') {
  const written: string[] = [];
  const sink = {write: (line: string) => written.push(line) > 0, once() {}};
  return {...openOutput({logLevel: 'info', logFormat}, sink), written};
}

describe("the daemon's log", () => {
  test('json -> as it is; pretty -> for people, in colours on a terminal alone', t => {
    const json = open();
    json.opened.log.info('hello');
    assert.equal(JSON.parse(json.written[0] ?? '').msg, 'hello');
    const pretty = open('pretty');
    const {hasColors} = process.stdout;
    t.after(() => Object.assign(process.stdout, {hasColors}));
    const shownOn = (isTerminal: boolean | undefined): string => {
      Object.assign(process.stdout, {hasColors: isTerminal === undefined ? undefined : () => isTerminal});
      pretty.opened.log.warn('hello');
      return pretty.written.at(-1) ?? '';
    };
    const plain = shownOn(false);
    assert.match(plain, /hello\n$/);
    assert.equal(shownOn(undefined).length, plain.length);
    assert.ok(shownOn(true).includes('\u001b['));
  });

  test('a secret that was learnt -> in no line, kept or written', () => {
    const {opened, secrets, written, recent} = open();
    secrets.learn('userlist a\n  user b insecure-password hunter22\n');
    opened.log.info({line: 'hunter22 again'}, 'haproxy wrote');
    assert.doesNotMatch(written.join() + JSON.stringify(recent.daemon.since(0, 1)), /hunter22/);
  });

  test('the last thousand lines -> kept, each cut where nobody reads on', () => {
    const {opened, recent} = open();
    for (let line = 0; line < 1001; line += 1) opened.log.info({line: 'x'.repeat(5000)}, 'long');
    assert.equal(recent.daemon.since(0, 2000).length, 1000);
    assert.equal(recent.daemon.since(0, 1)[0]?.text.length, 4096);
    recent.access.add('y'.repeat(5000));
    assert.equal(recent.access.since(0, 1)[0]?.text.length, 4096);
  });
});

describe('SET KONTROL_LOG_LEVEL', () => {
  test('a level -> set; anything else refused; another variable let through', () => {
    const {opened} = open();
    const set = (name: string, value: string) => [takeLogLevel(opened, name, value), opened.level];
    assert.deepEqual(set('KONTROL_LOG_LEVEL', ' debug\n'), [undefined, 'debug']);
    assert.deepEqual(set('KONTROL_LOG_LEVEL', 'loud'), ['it is one of trace, debug, info, warn, error', 'debug']);
    assert.deepEqual(set('COLOUR', 'loud'), [undefined, 'debug']);
  });
});
