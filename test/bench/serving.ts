import {startBackends} from '../support/backend.ts';
import {getSegments} from '../support/exchange.ts';
import {freePort} from '../support/free-port.ts';
import {machine} from '../support/place.ts';
import {waitFor} from '../support/wait.ts';
import {startBenchDaemon} from './daemon.ts';
import {type Figure, median, quantile} from './figure.ts';

const MEMBERS = 10;
const SAMPLES = 20;

/**
 * From the first ping of a pod to the first answer of HAProxy that comes from it, damper 0: nine members stay, the
 * tenth joins and leaves again.
 */
export async function benchServing(): Promise<Figure[]> {
  const port = await freePort();
  const ips = Array.from({length: MEMBERS}, (_, index) => `127.0.1.${index + 1}`);
  await using _backends = await startBackends(ips.map(host => ({name: host, host, port})));
  await using daemon = await startBenchDaemon(port);
  const [newcomer = '', ...others] = ips;
  for (const ip of others) await daemon.ping({ip});
  await daemon.waitFor(status => status.inSync && status.hosts.web?.length === others.length, 'the others');

  const target = {host: '127.0.0.1', port, segments: getSegments('/', 'bench'), timeoutMs: 2000};
  const isServed = async () => {
    const answers = await Promise.all(Array.from({length: MEMBERS}, () => machine.exchange(target)));
    return answers.some(one => one.is === 'answered' && one.answer.headers['x-backend'] === newcomer);
  };
  const samples: number[] = [];
  for (let n = 0; n < SAMPLES; n += 1) {
    const slave = daemon.slave({ip: newcomer, nonce: n.toString(16).padStart(16, '0')});
    const startedMs = performance.now();
    await slave.ping();
    await waitFor(isServed, 'the newcomer served');
    samples.push(performance.now() - startedMs);
    await slave.down();
    await daemon.waitFor(status => status.inSync && status.hosts.web?.length === others.length, 'gone again');
  }
  const name = `first ping to serving, ${MEMBERS} members, damper 0`;
  return [
    {name: `${name}, median`, value: median(samples), unit: 'ms', better: 'less', beside: '2017: 3,900-4,900'},
    {name: `${name}, max of ${SAMPLES}`, value: quantile(samples, 1), unit: 'ms', better: 'less'},
  ];
}
