import {reasonOf} from '../../src/errors.ts';
import {RELOAD_WAYS} from '../../src/reload/ways.ts';
import {BACKEND_HEADER, startBackends} from '../support/backend.ts';
import {getSegments} from '../support/exchange.ts';
import {freePort} from '../support/free-port.ts';
import {allowMigration, openNamespaces} from '../support/namespaces.ts';
import {missing} from '../support/parts.ts';
import {machine, type Place} from '../support/place.ts';
import type {Status} from '../support/status.ts';
import {waitFor} from '../support/wait.ts';
import {RELOADING, startBenchDaemon} from './daemon.ts';
import {type Figure, median, noteSkipped, quantile} from './figure.ts';

const MEMBERS = 10;
const SAMPLES = 11;
const LOOK_MS = 4;
const ANSWER_TIMEOUT_MS = 2000;

type Way = 'runtime' | (typeof RELOAD_WAYS)[number];
const WAYS: readonly Way[] = ['runtime', ...RELOAD_WAYS];
const GOALS = {runtime: 'goal: < 100; 2017: 3,900-4,900', reload: 'goal: < 250; 2017: 3,900-4,900'};

/** Both leave the firewall alone: they can be measured outside a namespace, too. */
const HARMLESS: readonly Way[] = ['runtime', 'plain'];

/**
 * From the first ping of a pod to the first answer of HAProxy that comes from it, damper 0, for each way of applying:
 * nine members stay, a tenth joins and leaves again. With root in namespaces of its own, without it two of the ways.
 */
export async function benchServing(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const way of WAYS) {
    const measured = await measure(way);
    if (measured.is === 'skipped') {
      noteSkipped(way, measured.why);
      continue;
    }
    const name = `first ping to serving, ${way}, ${MEMBERS} members, damper 0`;
    const {samples} = measured;
    const beside = way === 'runtime' ? GOALS.runtime : GOALS.reload;
    figures.push(
      {name: `${name}, median`, value: median(samples), unit: 'ms', better: 'less', beside},
      {name: `${name}, max of ${SAMPLES}`, value: quantile(samples, 1), unit: 'ms', better: 'less'},
    );
  }
  return figures;
}

type Measured = {readonly is: 'measured'; readonly samples: number[]} | {readonly is: 'skipped'; readonly why: string};

async function measure(way: Way): Promise<Measured> {
  const lacking = missing('root', 'netns');
  if (lacking !== false) return HARMLESS.includes(way) ? measureAt(machine, way) : {is: 'skipped', why: lacking};
  await using net = await openNamespaces();
  if (way === 'migrate') {
    try {
      allowMigration(net.proxy);
    } catch (error) {
      return {is: 'skipped', why: reasonOf(error)};
    }
  }
  // Members on loopback are taken from there only.
  return await measureAt({...net.proxy, ip: machine.ip}, way);
}

async function measureAt(place: Place, way: Way): Promise<Measured> {
  const [proxyPort, memberPort] = [await freePort(), await freePort()];
  const members = Array.from({length: MEMBERS - 1}, (_, index) => `127.0.1.${index + 1}`);
  const newcomers = Array.from({length: SAMPLES}, (_, index) => `127.0.2.${index + 1}`);
  const backends = [...members, ...newcomers].map(host => ({name: host, host, port: memberPort}));
  await using _backends = await startBackends(backends, place);
  await using daemon = await startBenchDaemon({
    place,
    proxyPort,
    memberPort,
    // The tenth, who is new, gets nearly all requests: the first one after it is served shows that.
    serverOptions: `weight {{256 if loop.index == ${MEMBERS} else 1}}`,
    ...(way !== 'runtime' && {global: RELOADING, env: {KONTROL_RELOAD: way}}),
  });
  for (const ip of members) await daemon.ping({ip});
  const isAtRest = ({inSync, hosts, proxy}: Status): boolean =>
    inSync && hosts.web?.length === members.length && proxy.draining.length === 0;
  await daemon.waitFor(isAtRest, 'the members served');
  const samples: number[] = [];
  for (const ip of newcomers) {
    const slave = daemon.slave({ip});
    const startedMs = performance.now();
    await slave.ping();
    samples.push((await firstAnswerOf(ip, {place, port: proxyPort})) - startedMs);
    const {reload} = await daemon.waitFor(status => status.inSync && status, 'the pass ended');
    if (reload.last?.way !== way) return {is: 'skipped', why: `${reload.last?.way} was used: ${reload.last?.why}`};
    await slave.down();
    await daemon.waitFor(isAtRest, 'the newcomer gone');
  }
  return {is: 'measured', samples};
}

/**
 * When an answer first came from `backend` (as performance.now()). Asks anew every few milliseconds, answered or not: a
 * question whose SYN is dropped takes a second.
 */
async function firstAnswerOf(backend: string, {place, port}: {place: Place; port: number}): Promise<number> {
  const request = {host: place.ip, port, segments: getSegments('/', 'bench'), timeoutMs: ANSWER_TIMEOUT_MS};
  const asked: Promise<void>[] = [];
  let seenMs: number | undefined;
  const ask = async () => {
    const outcome = await place.exchange(request);
    if (outcome.is === 'answered' && outcome.answer.headers[BACKEND_HEADER] === backend) seenMs ??= performance.now();
  };
  const looking = setInterval(() => asked.push(ask()), LOOK_MS);
  try {
    return await waitFor(() => seenMs, `${backend} served`);
  } finally {
    clearInterval(looking);
    await Promise.all(asked);
  }
}
