import {type ChildProcessByStdio, spawn} from 'node:child_process';
import {createInterface} from 'node:readline';
import type {Readable, Writable} from 'node:stream';
import {fileURLToPath} from 'node:url';
import {pythonBinary} from '../support/parts.ts';
import type {Case, Outcome} from './oracle.ts';

/** A Python process that answers one case after another, for searches that follow up on an answer. */
export interface LiveOracle extends Disposable {
  ask(one: Case): Promise<Outcome>;
}

export function openLiveOracle(): LiveOracle {
  const script = fileURLToPath(new URL('oracle.py', import.meta.url));
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(pythonBinary, [script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  return {
    async ask(one) {
      child.stdin.write(`${JSON.stringify(one)}\n`);
      const {value, done} = await lines.next();
      if (done) throw new Error('the oracle ended');
      return JSON.parse(value) as Outcome;
    },
    [Symbol.dispose]() {
      child.kill('SIGKILL');
    },
  };
}
