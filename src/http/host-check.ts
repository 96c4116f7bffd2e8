import {isIP} from 'node:net';
import type {FastifyInstance} from 'fastify';
import {canonicalIp, isLoopback} from '../members/address.ts';

/** What a kubelet asks, by any name. */
const PROBES = ['/livez', '/readyz'];

/**
 * The host of a `Host` header in lower case, without its port; undefined when it is none (RFC 9110, 7.2).
 */
function hostOf(header: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d*)?$/i.exec(header) ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}

/** Whether a page of another site cannot have this name: only names can be pointed at us, addresses can't. */
export function isOwnHost(header: string, names: readonly string[]): boolean {
  const host = hostOf(header);
  if (host === undefined) return false;
  return isIP(host) !== 0 || host === 'localhost' || host.endsWith('.localhost') || names.includes(host);
}

/**
 * Refuses (421) what comes from loopback, so through a port-forward, under a name that is not ours: a web page may have
 * pointed a name of its own at loopback (DNS rebinding), and would read all that is said. `names` are in lower case.
 */
export function checkHost(app: FastifyInstance, names: readonly string[]): void {
  app.addHook('onRequest', (request, reply, done) => {
    const {host} = request.headers;
    const isLocal = isLoopback(canonicalIp(request.ip) ?? '');
    if (!isLocal || host === undefined || isOwnHost(host, names) || PROBES.includes(request.routeOptions.url ?? '')) {
      done();
      return;
    }
    const reason =
      `"${host.slice(0, 60)}" is no name of this pod: ask for localhost or an address, ` +
      'or name it in KONTROL_STATUS_HOSTS';
    reply.code(421).send({error: 'wrong host', reason});
  });
}
