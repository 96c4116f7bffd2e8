import {SITUATIONS, type Situation, type Trial} from './cells.ts';
import type {Decision} from './harness.ts';

/** The sections of `docs/runtime-changes.md` that are written by what was tried, one for each release. */
const COLUMNS = Object.keys(SITUATIONS) as Situation[];

type Decided = ReadonlyMap<Trial, ReadonlyMap<Situation, Decision>>;

/** The section of one release. Deterministic: what was decided, not how long it took. */
export function sectionOf(release: string, decided: Decided, notTried: ReadonlyMap<string, string>): string {
  const reasons: string[] = [];
  const markOf = (decision: Decision | undefined): string => {
    if (decision === undefined || decision.is === 'refused') return '–';
    if (decision.is === 'runtime') return '✓';
    if (!reasons.includes(decision.why)) reasons.push(decision.why);
    return String(reasons.indexOf(decision.why) + 1);
  };
  const rows = [...decided].map(
    ([{keyword}, decisions]) =>
      `| ${escaped(keyword)} | ${COLUMNS.map(column => markOf(decisions.get(column))).join(' | ')} |`,
  );
  return [
    `## HAProxy ${release}`,
    '',
    `${countTold(decided)} situations are told at run time and were found equal.`,
    '',
    `| | ${COLUMNS.map(column => SITUATIONS[column]).join(' | ')} |`,
    `|---|${COLUMNS.map(() => '---|').join('')}`,
    ...rows,
    '',
    ...reasons.map((why, index) => `${index + 1}. ${escaped(why)}`),
    '',
    'Not tried, and therefore a reload:',
    '',
    ...[...notTried].map(([keyword, why]) => `- \`${keyword}\`: ${why}`),
    '',
  ].join('\n');
}

/** How many situations are told at run time. */
export const countTold = (decided: Decided): number =>
  [...decided.values()].flatMap(decisions => [...decisions.values()]).filter(({is}) => is === 'runtime').length;

/** Whether a section says of a keyword that it is told at run time in a situation. */
export function isToldIn(section: string, {keyword}: Trial, situation: Situation): boolean {
  const row = section.split('\n').find(line => line.startsWith(`| ${escaped(keyword)} | `));
  return row?.split(' | ')[1 + COLUMNS.indexOf(situation)]?.startsWith('✓') ?? false;
}

const escaped = (text: string): string => text.replaceAll('|', '\\|');

const HEADING = /^## HAProxy (\S+)$/m;

/** The sections of a page by release. */
export function sectionsIn(page: string): Map<string, string> {
  const parts = page.split(/^(?=## HAProxy )/m).slice(1);
  return new Map(parts.map(part => [HEADING.exec(part)?.[1] ?? '', `${part.trimEnd()}\n`]));
}

/** The page with these sections, ascending, behind what people wrote. */
export function pageOf(page: string, sections: ReadonlyMap<string, string>): string {
  const written = page.split(/^(?=## HAProxy )/m)[0] ?? '';
  const ascending = [...sections].sort(([a], [b]) => Number(a) - Number(b));
  return `${[written.trimEnd(), ...ascending.map(([, section]) => section.trimEnd())].join('\n\n')}\n`;
}
