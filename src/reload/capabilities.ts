import type {GateCapability} from '../firewall/capability.ts';
import type {Files} from '../ports/files.ts';
import type {Version} from '../proxy/version.ts';

/** What this process, kernel and HAProxy can do for a reload, as `/status` shows it. Found out once, at the start. */
export interface Capabilities {
  readonly haproxy: {readonly version: string; readonly build: string; readonly transfer: boolean};
  /** Whether SYN packets can be dropped, by which iptables and in which families. */
  readonly gate: GateCapability;
  /** CAP_NET_ADMIN is in effect. */
  readonly netAdmin: boolean;
  /** `net.ipv4.tcp_migrate_req` is 1: the kernel hands pending connections to the other listener. */
  readonly migrate: boolean;
  /** Sockets can be bound here and left to HAProxy to listen on; `why` when not. */
  readonly bindOnly: {readonly able: boolean; readonly why: string | null};
  /** Ports below 1024 can be bound by this process. */
  readonly lowPorts: boolean;
  /** `net.ipv6.bindv6only`: what an IPv6 `bind` without `v4v6` and `v6only` means. */
  readonly bindV6Only: boolean;
}

/** capabilities(7). */
const CAP_NET_BIND_SERVICE = 10n;
const CAP_NET_ADMIN = 12n;

const FIRST_HIGH_PORT = 1024;

export interface CapabilityPorts {
  readonly files: Pick<Files, 'readText'>;
  readonly version: Version;
  /** The build, one line: `linux-glibc, USE_OPENSSL=1 …`. */
  readonly build: string;
  readonly gate: GateCapability;
  /** Why sockets cannot be bound without listening; undefined when they can. */
  readonly bindObstacle: string | undefined;
}

/** Reads what the kernel says of this process. Never rejects: what cannot be read counts as absent. */
export async function probeCapabilities(ports: CapabilityPorts): Promise<Capabilities> {
  const {files, version, build, gate, bindObstacle} = ports;
  const read = async (path: string): Promise<string> =>
    ((await files.readText(path).catch(() => undefined)) ?? '').trim();
  const status = await read('/proc/self/status');
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const has = (capability: bigint) => (effective & (1n << capability)) !== 0n;
  const firstFreePort = Number((await read('/proc/sys/net/ipv4/ip_unprivileged_port_start')) || FIRST_HIGH_PORT);
  return {
    haproxy: {version: version.text, build, transfer: isAtLeast(version, 1, 8)},
    gate,
    netAdmin: has(CAP_NET_ADMIN),
    migrate: (await read('/proc/sys/net/ipv4/tcp_migrate_req')) === '1',
    bindOnly: {able: bindObstacle === undefined, why: bindObstacle ?? null},
    lowPorts: has(CAP_NET_BIND_SERVICE) || firstFreePort < FIRST_HIGH_PORT,
    bindV6Only: (await read('/proc/sys/net/ipv6/bindv6only')) === '1',
  };
}

export const isAtLeast = (version: Version, major: number, minor: number, patch = 0): boolean => {
  if (version.major !== major) return version.major > major;
  if (version.minor !== minor) return version.minor > minor;
  return version.patch >= patch;
};
