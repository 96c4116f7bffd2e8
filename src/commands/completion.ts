import {DaemonError} from '../errors.ts';
import {completionOf, SHELLS} from '../terminal/completion.ts';
import type {CommandMain} from './call.ts';

/** `haproxy-kontrol completion`: the script for a shell. */
export const completion: CommandMain<'completion'> = async ({positionals, print}) => {
  const shell = SHELLS.find(one => one === positionals[0]);
  if (shell === undefined) throw new DaemonError('USAGE', `cannot complete: name a shell, one of ${SHELLS.join(', ')}`);
  print(completionOf(shell));
  return 0;
};
