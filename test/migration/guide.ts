import {readFileSync} from 'node:fs';

/** One numbered step of docs/migration.md: its title, and the commands that it has the reader run. */
export interface Step {
  readonly title: string;
  readonly commands: readonly string[];
}

const GUIDE = new URL('../../docs/migration.md', import.meta.url);

/** The text under a heading of the second level. */
function section(heading: string): string {
  const text = readFileSync(GUIDE, 'utf8');
  const found = text.split(/^## /m).find(part => part.startsWith(`${heading}\n`));
  if (found === undefined) throw new Error(`cannot walk docs/migration.md: there is no "## ${heading}"`);
  return found;
}

const commandsIn = (text: string): string[] =>
  [...text.matchAll(/^ *```sh\n(.*?)^ *```$/gms)].flatMap(([, block = '']) =>
    block
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== ''),
  );

/** The numbered steps, in the guide's order. */
export const readSteps = (): Step[] =>
  section('Step by step')
    .split(/^\d+\. /m)
    .slice(1)
    .map(text => ({title: /^\*\*(.+?)\.?\*\*/.exec(text)?.[1] ?? text.slice(0, 40), commands: commandsIn(text)}));

/** The ways back, each from another step: its commands under the words that say from where. */
export const readWaysBack = (): Readonly<Record<string, string[]>> =>
  Object.fromEntries(
    section('The way back')
      .split(/^\*\*(?=.*?\*\*)/m)
      .slice(1)
      .map(text => [text.slice(0, text.indexOf('**')), commandsIn(text)]),
  );

/** A command line as a shell splits it; the guide's has no expansions. */
export const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
