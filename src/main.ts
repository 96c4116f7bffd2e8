#!/usr/bin/env node
import {parseArgs} from 'node:util';
import {DaemonError, EXIT_CODES, reasonOf} from './errors.ts';
import {describeCommands, REFERENCE} from './terminal/reference.ts';

const USAGE = `usage: haproxy-kontrol <command>

  run         the daemon, configured by its environment (docs/settings.md)
  render      prints the configuration that a template makes of hosts
  check       renders, and has HAProxy check the result
  ctl         speaks to a running daemon on its control socket (\`ctl help\`)
  demo        the daemon with three backends on loopback that ping it: something to look at
${describeCommands()}
Each of the latter has --help with examples.
`;

/** argv to command. Each is loaded when asked for, so that a small one does not pay for the daemon. */
const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  run: async () => (await import('./commands/daemon/run.ts')).run(),
  render: async args => (await import('./commands/render.ts')).render(args),
  check: async args => (await import('./commands/check.ts')).check(args),
  ctl: async args => (await import('./commands/ctl.ts')).ctl(args),
  demo: async () => (await import('./commands/demo.ts')).demo(),
  status: async args => (await import('./commands/status.ts')).status(args),
  history: async args => (await import('./commands/history.ts')).history(args),
  diff: async args => (await import('./commands/diff.ts')).diff(args),
  members: async args => (await import('./commands/members.ts')).members(args),
  top: async args => (await import('./commands/top.ts')).top(args),
  logs: async args => (await import('./commands/logs.ts')).logs(args),
  ping: async args => (await import('./commands/ping.ts')).ping(args),
  completion: async args =>
    (await import('./commands/completion.ts')).completion(
      args,
      Object.keys(COMMANDS).filter(name => !Object.hasOwn(REFERENCE, name)),
    ),
};

async function main(args: string[]): Promise<number> {
  // These read their own options; ctl's arguments are somebody's input, dashes and all.
  const [first = ''] = args;
  if (first === 'ctl' || Object.hasOwn(REFERENCE, first)) return COMMANDS[first]?.(args.slice(1)) ?? EXIT_CODES.USAGE;
  const {positionals, values} = parseArgs({
    args,
    allowPositionals: true,
    strict: false,
    options: {help: {type: 'boolean', short: 'h'}},
  });
  const [name] = positionals;
  const rest = name === undefined ? [] : args.slice(args.indexOf(name) + 1);
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined && values.help !== true) return command(rest);
  const isHelp = values.help === true || name === 'help';
  (isHelp ? process.stdout : process.stderr).write(
    isHelp ? USAGE : `haproxy-kontrol: no such command: ${name ?? '(none)'}\n${USAGE}`,
  );
  return isHelp ? 0 : EXIT_CODES.USAGE;
}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`haproxy-kontrol: ${reasonOf(error)}\n`);
  process.exit(EXIT_CODES[error instanceof DaemonError ? error.code : 'UNEXPECTED']);
}
