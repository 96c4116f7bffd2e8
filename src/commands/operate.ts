import {createInterface, type Interface} from 'node:readline/promises';
import {DaemonError, EXIT_CODES} from '../errors.ts';
import {plain} from '../terminal/plain.ts';
import {describePreview, type Preview} from '../terminal/preview.ts';
import type {CommandCall, CommandMain} from './call.ts';
import {readToken} from './operator-token.ts';

/** The commands that change something over the status port. */
type Operating = 'rollback' | 'release' | 'reconfigure';

/** What they have in common. */
type Operator = Pick<CommandCall<'release'>, 'client' | 'paint' | 'print' | 'has' | 'text'>;

/** What is answered once it is done. `error`: a rollback is released, and today's template does not work. */
interface Done {
  readonly last: {readonly pass: number; readonly verdict: string} | null;
  readonly error?: string | null;
}

/** Whether the answer is yes. Who leaves the question, by Ctrl-C or Ctrl-D, says no, and the line is ended for them. */
export async function saysYes(terminal: Pick<Interface, 'question'>, output: NodeJS.WritableStream): Promise<boolean> {
  const answer = await terminal.question('Go on? [y/N] ').catch(error => {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    output.write('\n');
    return '';
  });
  return /^y(?:es)?$/i.test(answer.trim());
}

/** Asks at a terminal; elsewhere nobody can answer. Rejects with USAGE there. */
async function confirm(name: Operating): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    throw new DaemonError('USAGE', `cannot run ${name}: nobody can be asked here, stdin is no terminal; add --yes`);
  }
  const terminal = createInterface({input: process.stdin, output: process.stderr});
  try {
    return await saysYes(terminal, process.stderr);
  } finally {
    terminal.close();
  }
}

/** Shows what an action would do, asks, and has it done. `query` says on what. Resolves with the exit code. */
async function operate(given: Operator, name: Operating, query: readonly string[] = []): Promise<number> {
  const token = await readToken(given.text('token-file'));
  const pathWith = (more: readonly string[]) =>
    `/${name}${[...query, ...more].map((one, at) => `${at === 0 ? '?' : '&'}${one}`).join('')}`;
  const preview = await given.client.post<Preview>(pathWith(['preview=1']), token, 'works');
  given.print(describePreview(name, preview, given.paint));
  // A rollback is released whatever today's template is worth: nothing else would be a way out of it.
  if (!preview.works && name !== 'release') return EXIT_CODES.VALIDATE;
  if (!given.has('yes') && !(await confirm(name))) {
    given.print('nothing was changed\n');
    return 0;
  }
  // The pass that was shown: another one may be the last by now.
  const chosen = name === 'rollback' && preview.pass !== undefined ? `/rollback?pass=${preview.pass}` : pathWith([]);
  const {last, error = null} = await given.client.post<Done>(chosen, token, 'last');
  given.print(last === null ? 'done\n' : `done: pass ${last.pass}, ${last.verdict}\n`);
  if (error === null) return 0;
  given.print(`but the template of today is refused: ${plain(error)}\n`);
  return EXIT_CODES.VALIDATE;
}

/** `12:04` of today, `2026-11-28 12:04`, or ISO 8601; UTC, as all times that are shown. Throws USAGE. */
function parseMoment(given: string, nowAt: number): number {
  const today = new Date(nowAt).toISOString().slice(0, 10);
  const match = /^(?:(\d{4}-\d{2}-\d{2})[ T])?(\d{1,2}:\d{2})(:\d{2})?Z?$/.exec(given.trim());
  const at =
    match === null
      ? Date.parse(given)
      : Date.parse(`${match[1] ?? today}T${match[2]?.padStart(5, '0')}${match[3] ?? ':59'}Z`);
  if (Number.isFinite(at) && at >= 0) return at;
  throw new DaemonError(
    'USAGE',
    `cannot run rollback: --at "${given}" is no time such as 12:04 or 2026-11-28 12:04 (UTC)`,
  );
}

/** `haproxy-kontrol rollback`: an older template with today's hosts. */
export const rollback: CommandMain<'rollback'> = async given => {
  const [pass] = given.positionals;
  const at = given.text('at');
  if (pass !== undefined && at !== undefined) {
    throw new DaemonError('USAGE', 'cannot run rollback: give a pass or --at, not both');
  }
  if (pass !== undefined)
    return operate(given, 'rollback', [`pass=${given.countOf('pass', pass, Number.MAX_SAFE_INTEGER)}`]);
  return operate(given, 'rollback', [at === undefined ? 'last=1' : `at=${parseMoment(at, Date.now())}`]);
};

/** `haproxy-kontrol release`: ends a rollback. */
export const release: CommandMain<'release'> = given => operate(given, 'release');

/** `haproxy-kontrol reconfigure`: a pass now. */
export const reconfigure: CommandMain<'reconfigure'> = given => operate(given, 'reconfigure');
