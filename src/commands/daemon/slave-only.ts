import {listen} from '../../http/listen.ts';
import {createProbes} from '../../http/status.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {affordableConnections} from '../../ports/descriptors.ts';
import type {Context} from './context.ts';
import {openPingTokens} from './endpoints.ts';
import {openSlaveRole} from './slave-role.ts';
import {MAX_STATUS_CONNECTIONS} from './status-port.ts';

/** `KONTROL_MODE=slave`: keepalives and a status port that answers probes; no proxy, no members. Resolves with 0. */
export async function runSlave({
  config,
  room,
  ending,
  pod,
  version,
}: Pick<Context, 'config' | 'room' | 'ending' | 'pod' | 'version'>): Promise<number> {
  await using closing = new AsyncDisposableStack();
  const probes = createProbes({isReady: () => true});
  const statusPort = await listen(probes, {
    port: config.statusPort,
    label: 'status port',
    clock,
    maxConnections: affordableConnections(MAX_STATUS_CONNECTIONS),
  });
  closing.defer(() => statusPort.close());
  const tokenFile = await openPingTokens({config, room});
  closing.defer(() => tokenFile?.close());
  const slave = await openSlaveRole(config, room('slave'), tokenFile);
  pod.follow(() => slave.annotated(pod.facts.annotations));
  room('main').info({version, statusPort: statusPort.port}, 'slave started');
  await ending.reached;
  await slave.close(ending.skip);
  return 0;
}
