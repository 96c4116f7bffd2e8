import {execFileSync} from 'node:child_process';
import {startBackends} from '../support/backend.ts';
import {getSegments} from '../support/exchange.ts';
import {podIps, type TwoNamespaces} from '../support/namespaces.ts';
import type {Place} from '../support/place.ts';

/** What a cluster sets with a pod's `securityContext.sysctls`; without it a plain user binds no port below 1024. */
export const allowLowPorts = (place: Place): void => {
  const [file = '', ...args] = place.exec(['sh', '-c', 'echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start']);
  execFileSync(file, args);
};

/** A web server on each pod's address, which answers with it. */
export const startBackendPods = ({client}: TwoNamespaces) =>
  startBackends(
    podIps.map(host => ({name: host, host, port: 80})),
    client,
  );

/** What the proxy's port 80 answers with to a client; undefined when it does not. */
export const answersWith = async ({proxy, client}: TwoNamespaces): Promise<string | undefined> => {
  const outcome = await client.exchange({
    host: proxy.ip,
    port: 80,
    segments: getSegments('/', 'pod'),
    timeoutMs: 1000,
  });
  return outcome.is === 'answered' && outcome.answer.status === 200 ? outcome.answer.body.trim() : undefined;
};
