import {fileURLToPath} from 'node:url';
import {HANGS_TITLE, type Hang, renderHangs} from './hangs.ts';
import type {Case} from './plan.ts';
import {SCENARIOS} from './scenario.ts';
import type {Kind, Outcome} from './trial.ts';

export interface Row extends Case {
  readonly outcome: Outcome;
}

export const TABLE = fileURLToPath(new URL('../../docs/faults.md', import.meta.url));

const HEAD = `# Faults of a pass, one by one

Written by \`npm run faults\`; do not edit. For each kind of pass, what it asks of the system was recorded in a real daemon,
below its ports: files, programs, signals, the runtime socket, \`/proc\`. Then the pass ran anew for every cell of the tables, with that one
effect made to fail (*error*: EIO, EAGAIN for a program, ECONNRESET for the socket), to take 6 s (*hang*; a program or a
socket that never answers), or to be the last one before the daemon is killed with -9 (*crash*), after which another daemon
starts on the same data folder.

In every case, or the table would not have been written: a client that connects again and again the whole time got its answer
each time; in the end the new text serves, \`proxy.cfg\` is what runs, \`inSync\` is true and \`lastError\` null; one HAProxy is
left, no temporary file, no file of another generation (what could not be removed goes with the next pass), no rule of ours in iptables, no descriptor more than before; where
the daemon lived, a ping during the fault was answered. The cells say how it got there.
`;

const KINDS: readonly Kind[] = ['error', 'hang', 'crash'];

const titleOf = ({name, about}: Row['scenario']): string => `${name[0]?.toUpperCase()}${name.slice(1)}: ${about}`;

/** A line for each effect, then the hangs. What was not run again stays as it was `before`. */
export function renderTable(rows: readonly Row[], hangs: readonly Hang[], before: string): string {
  const old = new Map(before.split(/^(?=## )/m).map(section => [/^## (.*)$/m.exec(section)?.[1], section]));
  const sections = SCENARIOS.map(scenario => {
    const own = rows.filter(row => row.scenario === scenario);
    if (own.length === 0) return (old.get(titleOf(scenario)) ?? '').trimEnd().concat('\n');
    const points = [...new Set(own.map(({point}) => point))];
    const lines = points.map(point => {
      const cells = KINDS.map(kind => own.find(row => row.point === point && row.kind === kind)?.outcome ?? '');
      return `| ${effectOf(point)} | ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
    });
    return [
      `## ${titleOf(scenario)}`,
      '',
      `${own.length} faults at ${points.length} effects.`,
      '',
      '| effect | error | hang | crash after it |',
      '|---|---|---|---|',
      ...lines,
      '',
    ].join('\n');
  });
  const hung = hangs.length === 0 ? (old.get(HANGS_TITLE) ?? '').trimEnd().concat('\n') : renderHangs(hangs);
  return [HEAD, ...sections, hung].join('\n');
}

/** How the table names an effect; the second of its kind says so. */
export const effectOf = ({label, nth}: Case['point']): string => `\`${label}\`${nth > 1 ? `, again` : ''}`;
