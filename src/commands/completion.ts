import {DaemonError} from '../errors.ts';
import {completionOf, SHELLS} from '../terminal/completion.ts';
import {REFERENCE} from '../terminal/reference.ts';
import {call} from './call.ts';

/** `haproxy-kontrol completion`; `others` are the commands that are not in the reference. */
export const completion = (args: readonly string[], others: readonly string[]): Promise<number> =>
  call('completion', args, {
    maxArguments: 1,
    async run({positionals, print}) {
      const shell = SHELLS.find(one => one === positionals[0]);
      if (shell === undefined) {
        throw new DaemonError('USAGE', `cannot complete: name a shell, one of ${SHELLS.join(', ')}`);
      }
      print(completionOf(shell, REFERENCE, others));
      return 0;
    },
  });
