import type {Traffic} from '../proxy/traffic-sampler.ts';
import {describeTraffic} from '../terminal/traffic.ts';
import {type CommandMain, redraw} from './call.ts';

/** `haproxy-kontrol top`: live traffic by backend. */
export const top: CommandMain<'top'> = async given => {
  const {client} = given;
  const ask = () => client.json<Traffic>('/traffic', 'samples');
  if (given.has('json')) {
    given.printJson(await ask());
    return 0;
  }
  const draw = async () => describeTraffic(await ask(), given.has('all'), given.screen);
  if (!given.has('once')) return redraw(given, draw);
  given.print(await draw());
  return 0;
};
