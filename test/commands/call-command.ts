import {type CommandMain, createCall} from '../../src/commands/call.ts';
import {DaemonError, EXIT_CODES} from '../../src/errors.ts';
import {parseCommandLine} from '../../src/terminal/command-line.ts';
import type {CommandName} from '../../src/terminal/reference.ts';
import type {Ran} from './run-command.ts';

/** Keeps what is printed. */
function keepPrinted() {
  const texts: string[] = [];
  return {
    print: (text: string) => void texts.push(text),
    gone: AbortSignal.any([]),
    settled: async () => {},
    text: () => texts.join(''),
  };
}

/** Calls a command in this process, to its end; what it rejects with is told as the program does. */
export async function callCommand<Name extends CommandName>(
  name: Name,
  main: CommandMain<Name>,
  args: readonly string[],
): Promise<Ran> {
  const [stdout, stderr] = [keepPrinted(), keepPrinted()];
  const line = parseCommandLine(name, args);
  if (line.is !== 'call') throw new Error('only help was asked for');
  const status = await main(createCall(name, line, {stdout, stderr})).catch(error => {
    if (!(error instanceof DaemonError)) throw error;
    stderr.print(`${error.message}\n${error.detail ?? ''}\n`);
    return EXIT_CODES[error.code];
  });
  return {status, stdout: stdout.text(), stderr: stderr.text()};
}
