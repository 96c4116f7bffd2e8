import {execFileSync} from 'node:child_process';
import type {Exchange, Outcome} from './exchange.ts';
import {startHelper} from './helper.ts';
import type {Place} from './place.ts';
import {killAll} from './processes.ts';

/**
 * A pod's network and the rest of the world, joined by a veth pair. Neither reaches the machine's own network.
 * Disposing ends every process left inside and removes both.
 */
export interface TwoNamespaces extends AsyncDisposable {
  readonly proxy: Place;
  /** Holds every address in `podIps` and `podIps6`, too. */
  readonly client: Place;
}

const PROXY = {ip: '10.77.0.1', ip6: 'fd77::1'};
const CLIENT = {ip: '10.77.0.2', ip6: 'fd77::2'};

/** Slaves and backends live in the client's namespace: the SYN gate of a pod guards its own ports, not theirs. */
export const podIps = ['10.77.1.11', '10.77.1.12', '10.77.1.13'] as const;
export const podIps6 = ['fd77:0:0:1::11', 'fd77:0:0:1::12', 'fd77:0:0:1::13'] as const;

const ip = (args: readonly string[], input = ''): string => execFileSync('ip', args, {input, encoding: 'utf8'});

/** Closing clients keep their ports for a minute: a busy load needs more of them, and sooner, than the defaults give. */
const MORE_CLIENT_PORTS = `
  echo 1 > /proc/sys/net/ipv4/tcp_tw_reuse
  echo '10000 65000' > /proc/sys/net/ipv4/ip_local_port_range`;

const addressLines = (addresses: readonly string[]): string[] =>
  addresses.map(address => `addr add ${address} dev eth0${address.includes(':') ? ' nodad' : ''}`);

const PROXY_SETUP = [
  'link set lo up',
  'link set eth0 up',
  ...addressLines([`${PROXY.ip}/24`, '10.77.1.1/24', `${PROXY.ip6}/64`, 'fd77:0:0:1::1/64']),
];

const CLIENT_SETUP = [
  'link set lo up',
  'link set eth0 up',
  ...addressLines([`${CLIENT.ip}/24`, `${CLIENT.ip6}/64`]),
  ...addressLines([...podIps.map(pod => `${pod}/24`), ...podIps6.map(pod => `${pod}/64`)]),
];

let pairNumber = 0;

/** Makes both namespaces (needs root). Throws, with nothing left behind, when the kernel refuses a part. */
export async function openNamespaces(): Promise<TwoNamespaces> {
  await using undo = new AsyncDisposableStack();
  const pair = `kontrol-${process.pid}-${++pairNumber}`;
  const [proxy, client] = [`${pair}-proxy`, `${pair}-client`];
  for (const name of [proxy, client]) {
    ip(['netns', 'add', name]);
    undo.defer(() => removeNamespace(name));
  }
  ip(['link', 'add', 'eth0', 'netns', proxy, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', client]);
  ip(['-n', proxy, '-batch', '-'], PROXY_SETUP.join('\n'));
  ip(['-n', client, '-batch', '-'], CLIENT_SETUP.join('\n'));
  ip(['netns', 'exec', client, 'sh', '-c', MORE_CLIENT_PORTS]);
  const places = {
    proxy: await openPlace(proxy, PROXY, undo),
    client: await openPlace(client, CLIENT, undo),
  };
  const kept = undo.move();
  return {...places, [Symbol.asyncDispose]: () => kept.disposeAsync()};
}

/** Sets `net.ipv4.tcp_migrate_req` in a namespace. Throws where the kernel has none (before 5.14). */
export function allowMigration(place: Place): void {
  const [file = '', ...args] = place.exec(['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/tcp_migrate_req']);
  execFileSync(file, args);
}

/** A process inside makes the connections for the test, which itself stays outside. */
export async function openPlace(
  namespace: string,
  addresses: Pick<Place, 'ip' | 'ip6'>,
  undo: AsyncDisposableStack,
): Promise<Place> {
  const exec = (argv: readonly string[]) => ['ip', 'netns', 'exec', namespace, ...argv];
  const door = undo.use(await startHelper<Exchange, Outcome>('exchange-process.ts', import.meta.url, {exec}));
  return {namespace, ...addresses, exec, exchange: request => door.ask(request)};
}

export function removeNamespace(name: string): void {
  killAll(ip(['netns', 'pids', name]).split('\n').filter(Boolean).map(Number));
  ip(['netns', 'del', name]);
}
