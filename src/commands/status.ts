import {DaemonError, EXIT_CODES} from '../errors.ts';
import type {Status} from '../http/status-types.ts';
import {systemClock} from '../ports/clock.ts';
import {describeStatus, isHealthy} from '../terminal/status.ts';
import {type CommandMain, redraw} from './call.ts';
import {AGREEMENT_MS, showFleet} from './fleet.ts';

const MAX_WITHIN_S = 3600;

/** Less than most probes and jobs wait for this command: its exit code is to tell them. */
const ANSWER_LIMIT_MS = 5000;

/** `haproxy-kontrol status`: the exit code says whether all is well. */
export const status: CommandMain<'status'> = async given => {
  const modes = (['watch', 'all', 'json'] as const).filter(given.has);
  if (modes.length > 1)
    throw new DaemonError('USAGE', `cannot run status: --${modes.join(' and --')} do not go together`);
  const {client} = given;
  const ask = () => client.json<Status>('/status', 'problems', ANSWER_LIMIT_MS);
  if (given.has('all')) {
    return showFleet({
      loadStatus: ask,
      print: given.print,
      warn: given.warn,
      clock: systemClock,
      boundMs: 1000 * given.count('within', AGREEMENT_MS / 1000, MAX_WITHIN_S),
    });
  }
  if (given.has('watch')) return redraw(given, async () => describeStatus(await ask(), given.screen));
  const seen = await ask();
  if (given.has('json')) given.printJson(seen);
  else given.print(describeStatus(seen, given.screen));
  return isHealthy(seen) ? 0 : EXIT_CODES.UNHEALTHY;
};
