import {type CommandMain, createCall} from './commands/call.ts';
import {type Ending, openEnding} from './commands/daemon/ending.ts';
import {findNearest} from './config/edit-distance.ts';
import {DaemonError, EXIT_CODES, reasonOf} from './errors.ts';
import {createPrinter} from './ports/printer.ts';
import {parseCommandLine} from './terminal/command-line.ts';
import {describeCommand, describeProgram} from './terminal/help.ts';
import {plainLines} from './terminal/plain.ts';
import {type CommandName, isCommand} from './terminal/reference.ts';

/** Each is loaded when asked for, so that a small one does not pay for the daemon. */
const LOAD: {readonly [Name in CommandName]: (ending: Ending | undefined) => Promise<CommandMain<Name>>} = {
  async run(ending) {
    const {run} = await import('./commands/daemon/run.ts');
    return () => run(ending ?? openEnding(process));
  },
  render: async () => (await import('./commands/render.ts')).render,
  check: async () => (await import('./commands/check.ts')).check,
  ctl: async () => (await import('./commands/ctl.ts')).ctl,
  demo: async () => (await import('./commands/demo.ts')).demo,
  status: async () => (await import('./commands/status.ts')).status,
  history: async () => (await import('./commands/history.ts')).history,
  diff: async () => (await import('./commands/diff.ts')).diff,
  members: async () => (await import('./commands/members.ts')).members,
  top: async () => (await import('./commands/top.ts')).top,
  logs: async () => (await import('./commands/logs.ts')).logs,
  rollback: async () => (await import('./commands/operate.ts')).rollback,
  release: async () => (await import('./commands/operate.ts')).release,
  reconfigure: async () => (await import('./commands/operate.ts')).reconfigure,
  ping: async () => (await import('./commands/ping.ts')).ping,
  completion: async () => (await import('./commands/completion.ts')).completion,
};

const HELP = ['--help', '-h', 'help'];
const VERSION = ['--version', '-V'];

const stdout = createPrinter(() => process.stdout);
const stderr = createPrinter(() => process.stderr);

async function call<Name extends CommandName>(
  name: Name,
  args: readonly string[],
  ending: Ending | undefined,
): Promise<number> {
  const line = parseCommandLine(name, args);
  if (line.is === 'call') {
    await warnOfMisspelt(name);
    return (await LOAD[name](ending))(createCall(name, line, {stdout, stderr}));
  }
  stdout.print(describeCommand(name));
  return 0;
}

/** The daemon says it in its log. */
async function warnOfMisspelt(name: CommandName): Promise<void> {
  if (name === 'run') return;
  const {loadMisspelt} = await import('./config/load.ts');
  for (const warning of loadMisspelt()) stderr.print(`haproxy-kontrol: ${warning}\n`);
}

async function dispatch([first = '(none)', ...rest]: readonly string[], ending: Ending | undefined): Promise<number> {
  if (isCommand(first)) return await call(first, rest, ending);
  const [topic] = rest;
  if (HELP.includes(first)) {
    if (topic !== undefined && !isCommand(topic)) return refuse(topic);
    stdout.print(topic === undefined ? describeProgram() : describeCommand(topic));
    return 0;
  }
  if (VERSION.includes(first)) {
    const {loadPackageVersion} = await import('./commands/packaged.ts');
    stdout.print(`haproxy-kontrol ${loadPackageVersion()}\n`);
    return 0;
  }
  return refuse(first);
}

function refuse(name: string): number {
  const meant = findNearest(name, [...Object.keys(LOAD), ...HELP, ...VERSION]);
  const question = meant === undefined ? '' : `; is it ${meant}?`;
  stderr.print(`haproxy-kontrol: no such command: ${name}${question}\n${describeProgram()}`);
  return EXIT_CODES.USAGE;
}

/** Says why it failed, at length; what was fatal to the daemon has its details in the log. */
function report(error: unknown, [command]: readonly string[]): number {
  stderr.print(`haproxy-kontrol: ${plainLines(reasonOf(error))}\n`);
  if (!(error instanceof DaemonError)) return EXIT_CODES.UNEXPECTED;
  const isLogged = command === 'run' && error.code !== 'USAGE';
  if (error.detail !== undefined && !isLogged) stderr.print(`${plainLines(error.detail.trimEnd())}\n`);
  return EXIT_CODES[error.code];
}

/** Does what the arguments ask for; resolves with the exit code once all is printed. `ending`: signals of a daemon that were heeded already. */
export async function runProgram(args: readonly string[], ending: Ending | undefined): Promise<number> {
  let exitCode = await dispatch(args, ending).catch(error => report(error, args));
  await stdout.settled().catch(error => {
    exitCode = report(error, args);
  });
  await stderr.settled().catch(() => {});
  return exitCode;
}
