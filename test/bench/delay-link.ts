import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import type {Place} from '../support/place.ts';

const DEVICE = 'slow0';
const PREFIX = '10.78.0';

/** A second way between two namespaces, over which every round trip takes `rttMs` more. */
export interface DelayLink extends AsyncDisposable {
  /** The address of the first of them over this link. */
  readonly ip: string;
}

/** Compiles the emulator (needs gcc), starts it between `near` and `far` and gives both ends addresses. Needs root. */
export async function openDelayLink(near: Place, far: Place, rttMs: number): Promise<DelayLink> {
  const folder = mkdtempSync(join(tmpdir(), 'kontrol-link-'));
  const program = join(folder, 'delay-link');
  execFileSync('gcc', ['-O2', '-o', program, fileURLToPath(new URL('delay-link.c', import.meta.url))]);
  const names = [near, far].map(({namespace}) => namespace ?? '');
  const child = spawn(program, [...names, DEVICE, String((rttMs * 1000) / 2)], {stdio: ['ignore', 'pipe', 'inherit']});
  await once(child.stdout, 'data');
  for (const [index, name] of names.entries()) {
    execFileSync('ip', ['-n', name, 'addr', 'add', `${PREFIX}.${index + 1}/24`, 'dev', DEVICE]);
    execFileSync('ip', ['-n', name, 'link', 'set', DEVICE, 'mtu', '1500', 'txqueuelen', '10000', 'up']);
  }
  return {
    ip: `${PREFIX}.1`,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, {recursive: true});
    },
  };
}
