import {execFileSync, fork} from 'node:child_process';
import {on, once} from 'node:events';
import {join} from 'node:path';
import {type Spawn, systemSpawn} from '../../src/ports/spawn.ts';
import type {PeerRequest, Reach} from './peer.ts';

/** A network namespace of the test's own, with loopback up and a peer inside that listens on `ports`. */
export interface Namespace extends AsyncDisposable {
  readonly name: string;
  /** Whether a connection inside comes about; one attempt, so a dropped SYN hangs. */
  reach(host: string, port: number, limitMs?: number): Promise<Reach>;
  /** Opens a connection that stays. */
  keep(host: string, port: number): Promise<void>;
  /** Sends a text over all kept connections: what comes back, joined by blanks. */
  echo(text: string): Promise<string>;
}

/** Below the 1 s after which the kernel sends a SYN again. */
const CONNECT_LIMIT_MS = 400;

export async function openNamespace(name: string, ports: readonly number[]): Promise<Namespace> {
  execFileSync('ip', ['netns', 'add', name]);
  execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  const peer = fork(join(import.meta.dirname, 'peer.ts'), ports.map(String), {
    execPath: 'ip',
    execArgv: ['netns', 'exec', name, process.execPath],
  });
  await once(peer, 'message');
  let lastId = 0;
  async function ask(request: PeerRequest): Promise<string> {
    const id = ++lastId;
    const answers = on(peer, 'message', {close: ['exit']});
    peer.send({id, request});
    for await (const [answer] of answers) if (answer.id === id) return answer.text;
    throw new Error('the peer is gone');
  }
  return {
    name,
    reach: async (host, port, limitMs = CONNECT_LIMIT_MS) => (await ask({is: 'connect', host, port, limitMs})) as Reach,
    async keep(host, port) {
      await ask({is: 'keep', host, port});
    },
    echo: text => ask({is: 'echo', text}),
    async [Symbol.asyncDispose]() {
      const gone = once(peer, 'exit');
      peer.disconnect();
      await gone;
      execFileSync('ip', ['netns', 'del', name]);
    },
  };
}

/** Debian has both variants beside each other: `iptables` as it is chosen, or `iptables-legacy`. */
export type Variant = 'chosen' | 'legacy';

/** The system's spawn, each short command run inside the namespace, after `prefix` (`setpriv ...`). */
export const spawnInside = (name: string, variant: Variant = 'chosen', prefix: readonly string[] = []): Spawn => ({
  ...systemSpawn,
  run({file, args, env}, options) {
    const tool = variant === 'legacy' ? file.replace('tables', 'tables-legacy') : file;
    return systemSpawn.run(
      {file: 'ip', args: ['netns', 'exec', name, ...prefix, tool, ...args], ...(env && {env})},
      options,
    );
  },
});
