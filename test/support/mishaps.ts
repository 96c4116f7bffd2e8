import {setTimeout as sleep} from 'node:timers/promises';
import type {ReplicaSet} from './replica-set.ts';

/** Something that can befall replicas and their etcd. */
export interface Mishap {
  readonly what: string;
  /** Brings it about; resolves once it has its effect, with its remedy. That one resolves when all is well outside. */
  befall(set: ReplicaSet): Promise<() => Promise<void>>;
}

export const killDaemon = (index: number): Mishap => ({
  what: 'a daemon is killed and comes back',
  async befall(set) {
    set.daemon(index).signal('SIGKILL');
    await set.daemon(index).exited;
    return () => set.restart(index);
  },
});

/** SIGSTOP: what a machine that swaps, or a container that is frozen, looks like to the others. */
export const pauseDaemon = (index: number): Mishap => ({
  what: 'a daemon is paused',
  async befall(set) {
    set.daemon(index).signal('SIGSTOP');
    return async () => set.daemon(index).signal('SIGCONT');
  },
});

export const killNode: Mishap = {
  what: 'an etcd node is killed and comes back',
  async befall({etcd}) {
    const [node] = etcd.nodes;
    await node?.kill();
    return async () => {
      node?.start();
      await etcd.settle();
    };
  },
};

export const killEtcd: Mishap = {
  what: 'all of etcd is killed and comes back',
  async befall({etcd, daemons}) {
    for (const node of etcd.nodes) await node.kill();
    for (const daemon of daemons) await daemon.waitFor(({store}) => !store.healthy, 'an unhealthy store');
    return async () => {
      for (const node of etcd.nodes) node.start();
      await etcd.settle();
    };
  },
};

/** Packets between one replica and etcd are dropped, and etcd's history is compacted before they pass again. */
export const cutOff = (index: number): Mishap => ({
  what: 'a replica is cut off from etcd, whose history is compacted',
  async befall(set) {
    const cut = set.net.cut(
      index,
      set.etcd.nodes.map(({port}) => port),
    );
    await set.daemon(index).waitFor(({store}) => !store.healthy, 'an unhealthy store');
    return async () => {
      await set.etcd.compact();
      cut[Symbol.dispose]();
    };
  },
});

/** Forth, or back, and home again: two steps. */
export const stepClock = (byMs: number): Mishap => ({
  what: 'the wall clock of a replica steps, and steps back',
  async befall({clock}) {
    await clock.step(byMs);
    return () => clock.step(0);
  },
});

/** Longer than any lease lives on its own, so that what may expire does. */
export const outlastLeases = ({ttlMs}: ReplicaSet): Promise<void> => sleep(2.5 * ttlMs);
