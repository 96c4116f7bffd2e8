#!/usr/bin/env node
import {parseArgs} from 'node:util';
import {DaemonError, EXIT_CODES, reasonOf} from './errors.ts';

const USAGE = `usage: haproxy-kontrol <command>

  run       the daemon, configured by its environment (README "Settings")
  render    prints the configuration that a template makes of hosts
  check     renders, and has HAProxy check the result
`;

/** argv to command. Each is loaded when asked for, so that a small one does not pay for the daemon. */
const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  run: async () => (await import('./commands/run.ts')).run(),
  render: async args => (await import('./commands/render.ts')).render(args),
  check: async args => (await import('./commands/check.ts')).check(args),
};

async function main(args: string[]): Promise<number> {
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
    isHelp ? USAGE : `haproxy-kontrol: no such command: ${name ?? '(none)'}\\n${USAGE}`,
  );
  return isHelp ? 0 : EXIT_CODES.USAGE;
}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`haproxy-kontrol: ${reasonOf(error)}\n`);
  process.exit(EXIT_CODES[error instanceof DaemonError ? error.code : 'UNEXPECTED']);
}
