import {EXIT_CODES} from '../../errors.ts';
import type {LivePod} from '../../kubernetes/pod-facts.ts';
import {type Clock, pause} from '../../ports/clock.ts';
import type {Log} from '../../ports/log.ts';
import type {Ending, Signals} from './ending.ts';
import type {Openers, Parts} from './parts.ts';

export interface DaemonPorts {
  readonly ending: Ending;
  readonly pod: Pick<LivePod, 'facts' | 'follow'>;
  readonly signals: Signals;
  readonly clock: Clock;
  readonly log: Log;
  /** How long endpoints have to be withdrawn before a stop goes on. */
  readonly lingerMs: number;
  /** For a stop that comes before HAProxy was taken over from an earlier daemon; `isLocked`: the data folder is. */
  readonly drainUnadopted: (isLocked: boolean) => Promise<boolean>;
  /** Of this package. */
  readonly version: string;
}

/**
 * The master, from its start to its end: opens its parts in order, connects them, boots, waits for the end, stops in
 * order. A stop may be asked for at any moment. Resolves with the exit code; rejects with what was fatal, and then HAProxy
 * lives on for the next daemon.
 */
export async function runDaemon<P extends Parts>(openers: Openers<P>, ports: DaemonPorts): Promise<number> {
  const {ending} = ports;
  await using closing = new AsyncDisposableStack();
  const opened: Partial<P> = {};
  try {
    const parts = await open(openers, ending, closing, opened);
    closing.defer(connect(parts, ports));
    ports.log.info({version: ports.version, ...parts.ground.described, ...parts.endpoints.ports}, 'daemon started');
    await Promise.race([boot(parts, ending), ending.reached]);
    await ending.reached;
  } catch (fault) {
    if (fault !== ending.asked.reason) throw fault;
  }
  // Awaited here: the parts are closed once this function is left.
  return await stop(opened, ports);
}

/** Each part knows those before it; one that was opened is closed again, the last one first, whatever comes after. */
async function open<P extends Parts>(
  openers: Openers<P>,
  ending: Ending,
  closing: AsyncDisposableStack,
  opened: Partial<P>,
): Promise<Pick<P, keyof Parts>> {
  const keep = async <Name extends keyof P & keyof Parts>(name: Name, opening: Promise<P[Name]>): Promise<P[Name]> => {
    const part = closing.use(await opening);
    opened[name] = part;
    ending.throwIfReached();
    return part;
  };
  const ground = await keep('ground', openers.openGround());
  const observation = await keep('observation', openers.openObservation());
  const membership = await keep('membership', openers.openMembership());
  const proxy = await keep('proxy', openers.openProxy({ground, observation, membership}));
  const cluster = await keep('cluster', openers.openCluster({ground}));
  const before = {ground, observation, membership, proxy, cluster};
  const pipeline = await keep('pipeline', openers.openPipeline(before));
  const endpoints = await keep('endpoints', openers.openEndpoints({...before, pipeline}));
  const slave = await keep('slave', openers.openSlave({endpoints}));
  return {...before, pipeline, endpoints, slave};
}

/** Both ends of every connection are there now: each source tells what it has seen so far, and then whatever comes. */
function connect(parts: Parts, {ending, pod, signals}: DaemonPorts): () => void {
  const {observation, membership, proxy, cluster, pipeline, endpoints, slave} = parts;
  const {converger} = pipeline;
  void proxy.failed.then(error => {
    cluster.failed(error);
    ending.fail(error);
  });
  proxy.generations.hung.follow(hang => {
    cluster.hung(hang);
    endpoints.poke();
  });
  proxy.generations.startsRefused.follow(pipeline.startAnew);
  pipeline.passes.ended.follow(end => {
    endpoints.passed(end.record);
    observation.notePass(end);
    cluster.passed(end, proxy.generations.text);
    void proxy.drift.look();
  });
  pipeline.quarantine.found.follow(found => {
    cluster.quarantined(found);
    endpoints.poke();
  });
  pipeline.quarantine.due.follow(converger.request);
  proxy.drift.follow(cluster.drifted);
  membership.registry.follow(change => {
    observation.noteMembers(change);
    endpoints.poke();
    // A pod that has its number now joined a moment ago.
    const isRepeat = change.events.every(event => event.is === 'settled');
    if (change.events.some(event => event.is !== 'restored')) converger.changed(change.cause, isRepeat);
  });
  membership.registry.listening();
  membership.join(pipeline.describe);
  cluster.changes.follow(({urgent, cause}) => (urgent ? converger.request(cause) : converger.changed(cause)));
  pod.follow(names => {
    cluster.annotated();
    slave.annotated(pod.facts.annotations);
    if (names.includes('annotations')) converger.request('annotations changed');
    else converger.changed(`${names.join(', ')} changed`);
  });
  signals.on('SIGHUP', () => converger.request('SIGHUP'));
  return pipeline.templateText.follow(() => converger.changed('template changed'));
}

/** Hosts of a shared store first, so that the first pass does not serve nobody for a moment. */
async function boot({membership, pipeline}: Parts, ending: Ending): Promise<void> {
  await membership.loaded();
  ending.throwIfReached();
  await pipeline.boot();
}

/** From whatever was opened when the stop was asked for: 0 when HAProxy's connections all ended in time. */
async function stop(
  opened: Partial<Parts>,
  {ending, clock, lingerMs, log, drainUnadopted}: DaemonPorts,
): Promise<number> {
  const {ground, endpoints, pipeline, slave, proxy} = opened;
  if (endpoints !== undefined) {
    log.info({delayMs: lingerMs}, 'daemon stops: lingering until endpoints are withdrawn');
    await pause(clock, lingerMs, ending.skip);
  }
  pipeline?.converger.close();
  await slave?.close(ending.skip);
  const fault = await pipeline?.lifecycle.stop();
  // A manifest of 2017 does not name the drain.
  const drained = await (proxy?.drain() ?? drainUnadopted(ground !== undefined));
  log.info({drained}, 'daemon stopped');
  if (!drained) return EXIT_CODES.DRAIN;
  return fault === undefined ? 0 : EXIT_CODES.LIFECYCLE;
}
