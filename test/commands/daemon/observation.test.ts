import assert from 'node:assert/strict';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {createLogTarget, openObservation} from '../../../src/commands/daemon/observation.ts';
import {openOutput} from '../../../src/commands/daemon/output.ts';
import type {PassEnd, PassRecord} from '../../../src/lifecycle/passes.ts';
import {createMemoryFiles, memberOf, openLogSink} from '../../members/fixtures.ts';
import {openFolder} from '../../support/folder.ts';
import {systemError} from '../../support/system-error.ts';

const LOCAL = 'global\n  log 127.0.0.1 local0\n';

/** What names our log target; `syslog` says whether port 514 can be had. */
function openTarget(given: {syslog?: boolean; isWanted?: boolean} = {}) {
  const {syslog = true, isWanted = true} = given;
  const memory = createMemoryFiles();
  const {log, said} = openLogSink();
  const asked = {syslog: 0};
  const accessLog = {
    port: 5140,
    async serveSyslogPort() {
      asked.syslog += 1;
      return syslog;
    },
  };
  const fileFor = createLogTarget(isWanted ? accessLog : undefined, {files: memory.files, log, path: '/data/log.cfg'});
  return {...memory, fileFor, said, asked};
}

describe('the log target of a HAProxy', () => {
  test('lines not wanted -> none', async () => {
    assert.equal(await openTarget({isWanted: false}).fileFor(LOCAL), undefined);
  });

  test('a text without a target that reaches us -> a file with ours; port 514 is left alone', async () => {
    const {fileFor, contents, asked} = openTarget();
    assert.equal(await fileFor('global\n'), '/data/log.cfg');
    assert.match(contents.get('/data/log.cfg') ?? '', /log 127\.0\.0\.1:5140 /);
    assert.equal(asked.syslog, 0);
  });

  test('a text that logs to the local syslog -> none where we can have its port, else the file', async () => {
    assert.equal(await openTarget().fileFor(LOCAL), undefined);
    assert.equal(await openTarget({syslog: false}).fileFor(LOCAL), '/data/log.cfg');
  });

  test('the file -> written once, and anew where somebody removed or changed it', async () => {
    const {fileFor, contents, seen} = openTarget();
    await fileFor('');
    await fileFor('');
    assert.equal(seen.writes, 1);
    contents.delete('/data/log.cfg');
    await fileFor('');
    contents.set('/data/log.cfg', 'other');
    await fileFor('');
    assert.equal(seen.writes, 3);
  });

  test('it cannot be read -> written anew', async () => {
    const {fileFor, files, contents} = openTarget();
    files.readText = () => Promise.reject(systemError('EACCES'));
    assert.equal(await fileFor(''), '/data/log.cfg');
    assert.match(contents.get('/data/log.cfg') ?? '', /log 127/);
  });

  test('it cannot be written -> a warning with what to do, and HAProxy starts without it', async () => {
    const {fileFor, failWith, said} = openTarget();
    failWith(systemError('EISDIR'));
    assert.equal(await fileFor(''), undefined);
    const [warning] = said('its target cannot be written');
    assert.match(String(warning?.reason), /^cannot write \/data\/log\.cfg: a folder has its name; remove that folder/);
  });

  test('a bug meanwhile -> thrown on', async () => {
    const {fileFor, failWith} = openTarget();
    failWith(new TypeError('undefined is not a function'));
    await assert.rejects(fileFor(''), TypeError);
  });
});

const RECORD: PassRecord = {
  ...{pass: 1, generation: 1, way: 'start', why: '', cause: 'start', startedAt: 1000},
  ...{phasesMs: {}, verdict: 'ok', error: null},
};

async function open(dataFolder: string, tokenFile?: string) {
  const {log} = openLogSink();
  const sink = {write: () => true, once() {}};
  const output = openOutput({logLevel: 'info', logFormat: 'json'}, sink);
  return openObservation({config: {dataFolder, tokenFile, accessLog: undefined}, room: () => log, output});
}

const endOf = (changes: Partial<PassRecord>, isFallback = false, ips: readonly string[] = ['10.2.0.17']): PassEnd => ({
  record: {...RECORD, ...changes},
  material: {
    text: `global\n  maxconn ${changes.pass ?? 1}\n`,
    input: {
      template: '',
      variables: {
        hosts: new Map(),
        pods: ips.map(ip => ({...memberOf({ip}), seq: 1})),
        ...{node: {labels: {}, annotations: {}}, labels: {}, annotations: {}, env: {}, certs: {}, services: new Map()},
      },
    },
  },
  isFallback,
});

describe('what is remembered of passes', () => {
  test('a pass that was applied -> in the history, and in the timelines of its pods', async () => {
    await using folder = await openFolder();
    await using observation = await open(folder.path);
    observation.noteMembers({version: 1, cause: 'joined', at: 1, events: [{is: 'joined', member: memberOf()}]});
    observation.notePass(endOf({verdict: 'failed', error: 'no'}));
    const momentsOf = () => observation.timelines.of('10.2.0.17')?.moments.map(({what}) => what);
    assert.deepEqual(momentsOf(), ['first ping']);
    observation.notePass(endOf({pass: 2}));
    assert.deepEqual(momentsOf(), ['first ping', 'config']);
    await observation.history.settled();
    assert.deepEqual(
      observation.history.entries.map(({pass}) => pass),
      [1, 2],
    );
  });

  test('a fallback that changed nothing -> not remembered; one that did, and a pass that changed nothing -> are', async () => {
    await using folder = await openFolder();
    await using observation = await open(folder.path);
    observation.notePass(endOf({pass: 1, verdict: 'unchanged'}, true));
    observation.notePass(endOf({pass: 2}, true));
    observation.notePass(endOf({pass: 3, verdict: 'unchanged'}));
    await observation.history.settled();
    assert.deepEqual(
      observation.history.entries.map(({pass}) => pass),
      [2, 3],
    );
  });
});

describe("the operators' token", () => {
  test('none configured -> none; a file -> read each time; empty, or not there -> CONFIG', async () => {
    await using folder = await openFolder();
    const path = join(folder.path, 'token');
    await using without = await open(folder.path);
    assert.equal(without.loadToken, undefined);
    await assert.rejects(open(folder.path, path), {
      code: 'CONFIG',
      message: /^cannot read KONTROL_TOKEN_FILE .*ENOENT/,
    });
    await writeFile(path, ' \n');
    await assert.rejects(open(folder.path, path), {code: 'CONFIG', message: /it is empty$/});
    await writeFile(path, 'first\nsecond\n');
    await assert.rejects(open(folder.path, path), {code: 'CONFIG', message: /it has more than one line/});
    await writeFile(path, 'first');
    await using observation = await open(folder.path, path);
    await writeFile(path, 'second');
    assert.equal(await observation.loadToken?.(), 'second');
  });
});
