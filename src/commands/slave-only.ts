import type {Config} from '../config/config.ts';
import {listen} from '../http/listen.ts';
import {createProbes} from '../http/status.ts';
import type {LivePod} from '../kubernetes/pod-facts.ts';
import {openTokenFile} from '../members/token-file.ts';
import {systemClock as clock} from '../ports/clock.ts';
import {systemFiles as files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import type {Ending} from './ending.ts';
import {loadPackageVersion} from './packaged.ts';
import {openSlaveRole} from './slave-role.ts';

/** `KONTROL_MODE=slave`: keepalives and a status port that answers probes; no proxy, no members. */
export async function serveSlaveOnly(
  config: Config,
  room: (name: string) => Log,
  ending: Ending,
  pod: LivePod,
): Promise<number> {
  const probes = createProbes({isReady: () => true});
  await using closing = new AsyncDisposableStack();
  const statusPort = await listen(probes, {port: config.statusPort, label: 'status port', clock});
  closing.defer(() => statusPort.close());
  const {tokenFile: tokenPath} = config.verify;
  const tokenFile =
    tokenPath === undefined ? undefined : await openTokenFile(tokenPath, {files, clock, log: room('slave')});
  const slave = await openSlaveRole(config, room('slave'), tokenFile);
  closing.defer(() => pod.close());
  pod.follow(() => slave.annotated(pod.facts.annotations));
  room('main').info({version: loadPackageVersion(), statusPort: statusPort.port}, 'slave started');
  await ending.reached;
  await slave.close(ending.skip);
  return 0;
}
