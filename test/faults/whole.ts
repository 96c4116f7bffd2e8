import {execFileSync} from 'node:child_process';
import {readdirSync} from 'node:fs';
import {isTemporary} from '../../src/ports/temporary.ts';
import type {Place} from '../support/place.ts';
import {haproxiesOf} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';

/** Waits until nothing is left over of what went wrong: no process, no file, no rule. */
export async function seeClean(folder: string, generation: number, place: Place): Promise<void> {
  await waitFor(() => haproxiesOf(folder).length === 1, 'one HAProxy');
  const strangers = () => strangersIn(folder, generation);
  await waitFor(() => strangers().length === 0, 'a clean data folder', {evidence: () => strangers().join(', ')});
  await waitFor(() => !rulesOf(place).includes('KONTROL'), 'an open gate');
}

export const countDescriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** What a daemon that is whole has no use for: temporary files, files of generations that are gone. */
function strangersIn(folder: string, generation: number): string[] {
  const names = readdirSync(folder, {recursive: true, encoding: 'utf8'});
  return names.filter(name => {
    const number = /^run\/(\d+)\./.exec(name)?.[1];
    return isTemporary(name) || (number !== undefined && Number(number) !== generation);
  });
}

function rulesOf(place: Place): string {
  if (place.namespace === null) return '';
  return ['iptables', 'ip6tables']
    .map(tool => {
      const [file = '', ...args] = place.exec([tool, '-w', '-S']);
      return execFileSync(file, args, {encoding: 'utf8'});
    })
    .join('');
}

const VISIT_EVERY_MS = 50;

/** Clients that come one after the other, each on a new connection, and remember what was not as it should be. */
export function openVisitors(visit: () => Promise<string>): {stop(): Promise<string[]>} {
  const failed: string[] = [];
  let ended = false;
  const run = async () => {
    while (!ended) {
      const seen = await visit();
      if (seen !== 'pod') failed.push(seen);
      await new Promise(resolve => setTimeout(resolve, VISIT_EVERY_MS));
    }
  };
  const running = run();
  return {
    async stop() {
      ended = true;
      await running;
      return failed;
    },
  };
}
