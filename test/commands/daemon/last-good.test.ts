import assert from 'node:assert/strict';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {startFromDisk} from '../../../src/commands/daemon/last-good.ts';
import type {TemplateSource} from '../../../src/config/config.ts';
import {DaemonError, type ErrorCode} from '../../../src/errors.ts';
import {writeFault} from '../../../src/ports/write-fault.ts';
import type {ProxyStatus} from '../../../src/reload/generations.ts';
import {openLogSink} from '../../members/fixtures.ts';
import {openFolder} from '../../support/folder.ts';
import {systemError} from '../../support/system-error.ts';

const TEMPLATE: TemplateSource = {is: 'file', path: '/etc/template'};

const faultOf = (code: ErrorCode): DaemonError => new DaemonError(code, 'cannot do it', {detail: 'why'});

/** A boot whose first pass failed; resolves with what was applied and what was waited for. */
async function start({
  fault,
  onDisk,
  state = 'STOPPED',
  template = TEMPLATE,
  isOf2017 = false,
  refusal,
}: {
  readonly fault: unknown;
  readonly onDisk?: string;
  readonly state?: ProxyStatus['state'];
  readonly template?: TemplateSource;
  readonly isOf2017?: boolean;
  readonly refusal?: Error;
}) {
  await using folder = await openFolder();
  const committedPath = join(folder.path, 'proxy.cfg');
  if (onDisk !== undefined) await writeFile(committedPath, onDisk);
  const {log, said} = openLogSink();
  const applied: string[] = [];
  const status = {
    state,
    pid: null,
    generation: 0,
    restarts: 0,
    silentMs: 0,
    isHung: false,
    isDeaf: false,
    hangs: 0,
    draining: [],
  };
  const apply = async (text: string) => {
    applied.push(text);
    if (refusal !== undefined) throw refusal;
  };
  await startFromDisk(fault, {template, isOf2017}, {committedPath, status}, apply, log);
  const awaited = isOf2017 ? 'blocks that serve' : 'a template that works';
  const [waiting] = said(`nothing to serve: waiting, not ready, for ${awaited}`);
  return {applied, waitsSince: waiting?.reason};
}

describe('a boot whose first pass failed', () => {
  test('a configuration on disk -> applied, whatever it failed of', async () => {
    for (const fault of [faultOf('RENDER'), faultOf('APPLY'), new Error('a bug')]) {
      assert.deepEqual(await start({fault, onDisk: 'global'}), {applied: ['global'], waitsSince: undefined});
    }
  });

  test('none on disk -> it waits for a template that works, and says which to mend', async () => {
    for (const [template, place] of [
      [TEMPLATE, '/etc/template'],
      [{is: 'text', text: 'frontend', from: 'KONTROL_TEMPLATE'}, 'KONTROL_TEMPLATE'],
      [{is: 'annotation'}, 'annotation haproxy.unity3d.com/config'],
    ] as const) {
      for (const code of ['RENDER', 'VALIDATE'] as const) {
        const {applied, waitsSince} = await start({fault: faultOf(code), template: template as TemplateSource});
        assert.deepEqual(applied, []);
        assert.equal(waitsSince, `cannot do it; mend the template (${place}): there is no last good proxy.cfg`);
      }
    }
  });

  test('none on disk, and blocks of 2017 that served nobody -> it waits; other blocks -> fatal', async () => {
    const fault = faultOf('LIFECYCLE');
    assert.deepEqual(await start({fault, isOf2017: true}), {applied: [], waitsSince: 'cannot do it'});
    await assert.rejects(start({fault}), {code: 'LIFECYCLE'});
  });

  test('none on disk, and a file that cannot be written -> fatal in those words: no template is to blame', async () => {
    const fault = writeFault('/data/run/1.cfg', systemError('EROFS'));
    await assert.rejects(start({fault}), fault);
  });

  test('none on disk, and what a restart may cure -> fatal, with what to do', async () => {
    await assert.rejects(start({fault: faultOf('APPLY')}), {
      code: 'APPLY',
      message: 'cannot do it; free what it needs or mend the template (/etc/template): there is no last good proxy.cfg',
      detail: 'why',
    });
    await assert.rejects(start({fault: faultOf('HAPROXY')}), {message: 'cannot do it'});
    await assert.rejects(start({fault: new Error('a bug')}), {message: 'a bug'});
  });

  test('what is on disk fails too -> as if there were none', async () => {
    const given = {onDisk: 'global', refusal: faultOf('APPLY')};
    const {applied, waitsSince} = await start({...given, fault: faultOf('VALIDATE')});
    assert.deepEqual(applied, ['global']);
    assert.match(String(waitsSince), /: the last good proxy\.cfg cannot be started either$/);
    await assert.rejects(start({...given, fault: faultOf('APPLY')}), {code: 'APPLY'});
  });

  test('a bug while that is applied -> fatal, whether an earlier HAProxy serves or not', async () => {
    for (const state of ['STOPPED', 'RUNNING'] as const) {
      const bug = new TypeError('a bug');
      await assert.rejects(start({fault: faultOf('VALIDATE'), onDisk: 'global', refusal: bug, state}), bug);
    }
  });

  test('HAProxy of an earlier daemon serves -> nothing is fatal', async () => {
    for (const given of [{}, {onDisk: 'global', refusal: faultOf('APPLY')}]) {
      const {waitsSince} = await start({...given, fault: faultOf('APPLY'), state: 'RUNNING'});
      assert.equal(waitsSince, undefined);
    }
  });
});
