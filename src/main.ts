#!/usr/bin/env node
import {openEnding} from './commands/daemon/ending.ts';
import {EXIT_CODES} from './errors.ts';
import {describeOldNode} from './terminal/node-version.ts';

const oldNode = describeOldNode(process.versions.node);
if (oldNode !== undefined) {
  // Our own printer needs the newer one.
  process.stderr.write(`haproxy-kontrol: ${oldNode}\n`);
  process.exit(EXIT_CODES.UNEXPECTED);
}

const args = process.argv.slice(2);
// The daemon's signals are heeded before the rest is loaded, which takes seconds on a busy machine: one that comes
// meanwhile is a stop in order, like any other.
const ending = args[0] === 'run' ? openEnding(process) : undefined;
const {runProgram} = await import('./program.ts');
process.exit(await runProgram(args, ending));
