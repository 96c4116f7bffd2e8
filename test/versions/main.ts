import {execFileSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {parseVersion} from '../../src/proxy/version.ts';
import {haproxiesUnderTest} from '../support/haproxies.ts';
import {liveDay, type Outcome} from './day.ts';

/**
 * `npm run versions -- HAPROXY ...`: has a daemon live its day on each of these binaries (absent: the machine's and the newest
 * that Debian has) and writes docs/versions.md. 1 when anything failed; it is written all the same, and says so.
 */
const asked = process.argv.slice(2);
const binaries = asked.length > 0 ? asked : haproxiesUnderTest('root', 'netns').map(({binary}) => binary);

const days: {readonly version: string; readonly outcomes: readonly Outcome[]}[] = [];
for (const binary of binaries) {
  const {text} = parseVersion(execFileSync(binary, ['-v'], {encoding: 'utf8'}));
  process.stderr.write(`HAProxy ${text}\n`);
  const outcomes = await liveDay(binary);
  for (const {feature, is, how} of outcomes) process.stderr.write(`  ${is}  ${feature}: ${how}\n`);
  days.push({version: text, outcomes});
}

const cell = (outcome: Outcome | undefined): string => {
  if (outcome === undefined) return '-';
  return outcome.is === 'done' ? outcome.how : `**failed**: ${outcome.how.replaceAll('|', '\\|')}`;
};
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
const features = [...new Set(days.flatMap(({outcomes}) => outcomes.map(({feature}) => feature)))];
const table = [
  row(['', ...days.map(({version}) => version)]),
  row(['---', ...days.map(() => '---')]),
  ...features.map(feature =>
    row([feature, ...days.map(({outcomes}) => cell(outcomes.find(one => one.feature === feature)))]),
  ),
].join('');

writeFileSync(
  new URL('../../docs/versions.md', import.meta.url),
  `# HAProxy's versions

Written by \`npm run versions -- HAPROXY ...\`; do not edit. Each column is a run of one daemon with that HAProxy in a network
namespace of its own, under 50 new connections a second and two slow downloads: the things of the left column were done one after the
other, and each was looked at from a client's side. \`at run time\`: the running HAProxy was told over its socket.
\`reload (WAY)\`: another HAProxy took over, by that way (docs/reload.md). Versions that have no column were not run.

${table}`,
);
process.stderr.write('wrote docs/versions.md\n');
process.exitCode = days.every(({outcomes}) => outcomes.every(({is}) => is === 'done')) ? 0 : 1;
