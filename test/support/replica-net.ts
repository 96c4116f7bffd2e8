import {execFileSync} from 'node:child_process';
import {openPlace, removeNamespace} from './namespaces.ts';
import type {Place} from './place.ts';

/** Several pods' networks on one bridge, and a hub for everything else: etcd, slaves, backends, clients. */
export interface ReplicaNet extends AsyncDisposable {
  readonly hub: Place;
  readonly replicas: readonly Place[];
  /** Drops all packets between a replica and these ports of the hub, silently, until disposed. */
  cut(replica: number, ports: readonly number[]): Disposable;
}

const HUB_IP = '10.78.0.2';

const ip = (args: readonly string[], input = ''): string => execFileSync('ip', args, {input, encoding: 'utf8'});

let netNumber = 0;

/** Addresses of pods, all of them the hub's own: single ones (10.78.*), and whole networks (`10.79.0.0/16`). */
export interface Pods {
  readonly podIps: readonly string[];
  readonly podNetworks?: readonly string[];
}

/** Makes `count` + 1 namespaces (needs root). Nothing reaches the machine's own network. */
export async function openReplicaNet(count: number, {podIps, podNetworks = []}: Pods): Promise<ReplicaNet> {
  await using undo = new AsyncDisposableStack();
  const net = `kontrol-${process.pid}-net${++netNumber}`;
  const add = (name: string): string => {
    ip(['netns', 'add', name]);
    undo.defer(() => removeNamespace(name));
    return name;
  };
  const hub = add(`${net}-hub`);
  const bridge = ['link add br0 type bridge', 'link set lo up', 'link set br0 up', `addr add ${HUB_IP}/16 dev br0`];
  const addresses = podIps.map(pod => `addr add ${pod}/16 dev br0`);
  const networks = podNetworks.map(network => `route add local ${network} dev lo`);
  ip(['-n', hub, '-batch', '-'], [...bridge, ...addresses, ...networks].join('\n'));
  const names = Array.from({length: count}, (_, index) => add(`${net}-${index}`));
  const replicas: Place[] = [];
  for (const [index, name] of names.entries()) {
    const address = `10.78.0.${11 + index}`;
    ip(['link', 'add', 'eth0', 'netns', name, 'type', 'veth', 'peer', 'name', `v${index}`, 'netns', hub]);
    ip(['-n', hub, '-batch', '-'], `link set v${index} master br0\nlink set v${index} up`);
    const routes = podNetworks.map(network => `route add ${network} via ${HUB_IP}`);
    const setup = ['link set lo up', 'link set eth0 up', `addr add ${address}/16 dev eth0`, ...routes];
    ip(['-n', name, '-batch', '-'], setup.join('\n'));
    replicas.push(await openPlace(name, {ip: address, ip6: ''}, undo));
  }
  const hubPlace = await openPlace(hub, {ip: HUB_IP, ip6: ''}, undo);
  const kept = undo.move();
  return {
    hub: hubPlace,
    replicas,
    cut(replica, ports) {
      const rule = (verb: string, chain: string, side: string) => [
        'iptables',
        '-w',
        verb,
        chain,
        '-p',
        'tcp',
        '-m',
        'multiport',
        side,
        ports.join(','),
        '-j',
        'DROP',
      ];
      const each = (verb: string) => {
        for (const args of [rule(verb, 'OUTPUT', '--dports'), rule(verb, 'INPUT', '--sports')]) {
          ip(['netns', 'exec', names[replica] ?? '', ...args]);
        }
      };
      each('-I');
      return {[Symbol.dispose]: () => each('-D')};
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
