import type {FastifyInstance} from 'fastify';
import type {Config} from '../config/config.ts';
import {createMaster, type MasterPorts} from '../http/master.ts';
import {createReceiver} from '../http/receive.ts';
import type {Api} from '../kubernetes/api.ts';
import type {AppliedInput} from '../lifecycle/passes.ts';
import {digestHosts} from '../members/digest.ts';
import {parsePing} from '../members/ping.ts';
import type {Registry} from '../members/registry.ts';
import type {Store} from '../members/store.ts';
import {openTokenFile, type TokenFile} from '../members/token-file.ts';
import type {Metrics} from '../metrics/metrics.ts';
import type {Statsd} from '../metrics/statsd.ts';
import {systemClock as clock} from '../ports/clock.ts';
import {systemFiles as files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {type Gatekeeper, openGatekeeper} from './gatekeeper.ts';

export interface MasterNeeds {
  readonly config: Config;
  readonly api: Api | undefined;
  readonly registry: Registry;
  readonly store: Pick<Store, 'refusal'>;
  readonly count: Metrics['countPing'];
  readonly statsd: Statsd | undefined;
  readonly applied: () => AppliedInput | undefined;
  readonly script: MasterPorts['script'];
  readonly log: Log;
}

/** The master endpoint, not yet listening, and who lets pings in. Rejects with CONFIG when the token cannot be read. */
export async function openMaster(needs: MasterNeeds): Promise<{
  readonly master: FastifyInstance;
  readonly gatekeeper: Gatekeeper;
  readonly tokenFile: TokenFile | undefined;
}> {
  const {config, api, registry, store, statsd, applied, script, log} = needs;
  const {tokenFile: path} = config.verify;
  const tokenFile = path === undefined ? undefined : await openTokenFile(path, {files, clock, log});
  const gatekeeper = openGatekeeper({settings: config.verify, api, tokenFile, registry, clock, log});

  const count: typeof needs.count = result => {
    needs.count(result);
    if (result !== 'bad') statsd?.count('kontrol.ping');
    if (result === 'joined' || result === 'replaced') statsd?.count('kontrol.up');
    if (result === 'left') statsd?.count('kontrol.down');
  };
  const {verify} = gatekeeper;
  const master = createMaster({
    receive: createReceiver({parse: parsePing, verify, record: registry.record, refusal: store.refusal, count}),
    state() {
      const hosts = applied()?.input.variables.hosts;
      return {md5: hosts === undefined ? null : digestHosts(hosts), hosts: Object.fromEntries(hosts ?? [])};
    },
    script,
    clock,
    log,
  });
  return {master, gatekeeper, tokenFile};
}
