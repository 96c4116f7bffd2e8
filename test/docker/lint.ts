import {spawnSync} from 'node:child_process';
import {DockerfileParser, type Instruction} from 'dockerfile-ast';
import {validate} from 'dockerfile-utils';

/** One thing that is wrong with a Dockerfile; `line` counts from 1. */
export interface Fault {
  readonly line: number;
  readonly says: string;
}

/** The instructions of a Dockerfile, stages and build arguments included. */
export const instructionsOf = (dockerfile: string): readonly Instruction[] =>
  DockerfileParser.parse(dockerfile).getInstructions();

export const lineOf = (instruction: Instruction): number => instruction.getRange().start.line + 1;

interface ShellFault {
  readonly line: number;
  readonly code: number;
  readonly message: string;
}

const shellFaults = (script: string): readonly ShellFault[] => {
  const {stdout, stderr, error} = spawnSync('shellcheck', ['--shell=sh', '--format=json', '-'], {
    input: script,
    encoding: 'utf8',
  });
  if (error) throw new Error('cannot run shellcheck', {cause: error});
  if (stdout === '') throw new Error(`cannot run shellcheck: ${stderr}`);
  return JSON.parse(stdout) as readonly ShellFault[];
};

/**
 * What is wrong with a Dockerfile: its instructions by dockerfile-utils (the checks that editors use), the shell of each
 * RUN by shellcheck. A line of RUN is the line of the file.
 */
export function lintDockerfile(dockerfile: string): readonly Fault[] {
  const faults = validate(dockerfile).map(({range, message}) => ({line: range.start.line + 1, says: String(message)}));
  const runs = instructionsOf(dockerfile).filter(instruction => instruction.getKeyword() === 'RUN');
  const inShell = runs.flatMap(run =>
    shellFaults(run.getRawArgumentsContent() ?? '').map(({line, code, message}) => ({
      line: lineOf(run) + line - 1,
      says: `SC${code}: ${message}`,
    })),
  );
  return [...faults, ...inShell].sort((one, other) => one.line - other.line);
}
