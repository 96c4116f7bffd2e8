import {setTimeout as sleep} from 'node:timers/promises';
import {openRecordedSlave, pingOf, type RecordedSlave} from '../zerorpc/recorded.ts';
import {cpuMs, startBenchDaemon} from './daemon.ts';
import {counted, type Figure} from './figure.ts';

/** Three quarters of a TTL, as every slave. */
const PING_EVERY_MS = 18_750;
const IDLE_SLAVES = 500;
const MANY_SLAVES = 5000;
const IN_FLIGHT = 50;
const SETTLE_MS = 10_000;

const pingOfSlave = (index: number): Buffer =>
  pingOf({
    app: 'web',
    id: `web-${index}`,
    ip: `10.9.${index >> 8}.${index & 255}`,
    key: '0',
    role: 'frontend',
    payload: '',
    nonce: 'abc123',
  });

/** What the slaves of kontrol's last release cost, which keep a connection each and ping over it. */
export async function benchZerorpc(): Promise<Figure[]> {
  await using daemon = await startBenchDaemon();
  const slaves: RecordedSlave[] = [];
  const joinUpTo = async (count: number): Promise<number> => {
    const startedMs = performance.now();
    const join = async () => {
      while (slaves.length < count) {
        const index = slaves.length;
        // Its place is taken before it is there.
        slaves.length += 1;
        const slave = await openRecordedSlave(daemon.port);
        await slave.call(pingOfSlave(index));
        slaves[index] = slave;
      }
    };
    await Promise.all(Array.from({length: IN_FLIGHT}, join));
    return performance.now() - startedMs;
  };

  await joinUpTo(IDLE_SLAVES);
  await sleep(SETTLE_MS);
  const quiet = await cpuOver(daemon.pid, () => sleep(PING_EVERY_MS));
  const busy = await cpuOver(daemon.pid, () =>
    Promise.all(
      slaves.map(async (slave, index) => {
        await sleep((PING_EVERY_MS * index) / IDLE_SLAVES);
        await slave.call(pingOfSlave(index));
      }),
    ),
  );
  const manyMs = await joinUpTo(MANY_SLAVES);
  const held = (await daemon.status())?.zerorpc.connections ?? 0;
  for (const {socket} of slaves) socket.destroy();
  return [
    {
      name: `${counted(IDLE_SLAVES, 'ZeroRPC slave')} that ping, CPU of one core beside idle`,
      value: (100 * (busy - quiet)) / PING_EVERY_MS,
      unit: '%',
      better: 'less',
      beside: 'goal: < 2',
    },
    {name: `ZeroRPC slaves held at once, of ${MANY_SLAVES}`, value: held, unit: '', better: 'more'},
    {
      name: 'ZeroRPC slaves that connect and join',
      value: ((MANY_SLAVES - IDLE_SLAVES) * 1000) / manyMs,
      unit: '1/s',
      better: 'more',
    },
  ];
}

/** The CPU time in ms that a process takes meanwhile. */
async function cpuOver(pid: number, meanwhile: () => Promise<unknown>): Promise<number> {
  const before = cpuMs(pid);
  await meanwhile();
  return cpuMs(pid) - before;
}
