import {execFile, spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {mkdir, rm, rmdir} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import type {Status} from '../support/status.ts';
import {waitFor} from '../support/wait.ts';
import type {Action} from './plan.ts';
import type {World} from './world.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** HAProxy is back so long after its socket answers that no request can still fail of its death. */
const SETTLED_MS = 300;
/** A dead HAProxy, a lost store, a started daemon: only a fault takes longer to be well again, on the busiest machine. */
export const BACK_MS = 60_000;

/** Runs `work` while something is wrong on purpose, so that nobody is asked to be in sync. */
export async function disturbed(world: World, name: string, work: () => Promise<void>): Promise<void> {
  world.disturbances.add(name);
  try {
    await work();
  } finally {
    world.disturbances.delete(name);
    world.disturbedMs = Date.now();
  }
}

/** SIGKILL for the HAProxy that serves: what is under way with it is lost, in a window that is written down. */
export const killProxy = (world: World) =>
  disturbed(world, 'killed HAProxy', async () => {
    const pid = (await world.daemon.status())?.proxy.pid;
    if (pid === undefined || pid === null) return;
    const fromMs = Date.now();
    const open = {fromMs, toMs: Number.POSITIVE_INFINITY};
    world.windows.push(open);
    process.kill(pid, 'SIGKILL');
    await world.daemon.waitFor(
      ({proxy}) => proxy.state === 'RUNNING' && proxy.pid !== pid,
      'the next HAProxy',
      BACK_MS,
    );
    await sleep(SETTLED_MS);
    open.toMs = Date.now();
  });

/** Another program takes the lock that iptables takes. */
export async function holdLock(world: World, forMs: number): Promise<void> {
  if (forMs === 0) return;
  const holder = spawn('flock', [join(world.dataFolder, 'xtables.lock'), 'sleep', String(forMs / 1000)]);
  await new Promise<void>((resolve, reject) => holder.once('exit', () => resolve()).once('error', reject));
}

/** SIGKILL for the daemon, then the next one on its folder. */
export const killDaemon = (
  world: World,
  {downMs, lockMs, lockFrom}: Omit<Extract<Action, {do: 'killDaemon'}>, 'do'>,
  isWell: (status: Status) => boolean = ({inSync}) => inSync,
) =>
  disturbed(world, 'killed daemon', async () => {
    const killed = world.daemon;
    world.isDown = true;
    world.era += 1;
    killed.signal('SIGKILL');
    world.model.daemonDied(Date.now());
    await killed.exited;
    await sleep(downMs);
    const fromMs = Date.now();
    const early = lockFrom === 'start' ? holdLock(world, lockMs) : undefined;
    const next = await world.startNext();
    await next.waitFor(() => true, 'an answer of the next daemon', BACK_MS);
    world.model.daemonBack({fromMs, toMs: Date.now()});
    world.era += 1;
    world.isDown = false;
    await Promise.all([early ?? holdLock(world, lockMs), next.waitFor(isWell, 'the next daemon well', BACK_MS)]);
  });

/** The daemon stands still, and goes on. */
export const pause = (world: World, forMs: number) =>
  disturbed(world, 'paused daemon', async () => {
    world.isDown = true;
    world.era += 1;
    const fromMs = Date.now();
    world.daemon.signal('SIGSTOP');
    await sleep(forMs);
    const toMs = Date.now();
    world.daemon.signal('SIGCONT');
    world.model.paused({fromMs, toMs});
    world.era += 1;
    world.isDown = false;
  });

/** The store answers no more: etcd is killed or hangs, or the snapshot cannot be written. */
export const outage = (world: World, how: 'kill' | 'stop', forMs: number) =>
  disturbed(world, 'outage', async () => {
    const fromMs = Date.now();
    const [node] = world.etcd?.nodes ?? [];
    if (node === undefined) {
      await blockSnapshot(join(world.dataFolder, 'members.json'), forMs);
      return;
    }
    if (how === 'kill') await node.kill();
    else node.signal('SIGSTOP');
    await sleep(forMs);
    if (how === 'kill') node.start();
    else node.signal('SIGCONT');
    await waitFor(() => node.isAnswering(), 'etcd back', {timeoutMs: BACK_MS});
    await world.daemon.waitFor(({store}) => store.healthy, 'a healthy store', BACK_MS);
    world.model.storeBack({fromMs, toMs: Date.now()});
  });

/** Nothing can be renamed onto a folder. */
async function blockSnapshot(path: string, forMs: number): Promise<void> {
  await waitFor(async () => {
    await rm(path, {force: true});
    return await mkdir(path).then(
      () => true,
      () => false,
    );
  }, 'a blocked snapshot');
  await sleep(forMs);
  await rmdir(path);
  await waitFor(() => existsSync(path), 'the snapshot written again', {timeoutMs: BACK_MS});
}

/** `ctl restart haproxy`, as an operator or a script says it. */
export const restart = (world: World) =>
  disturbed(world, 'restart', async () => {
    const env = {PATH: process.env.PATH, KONTROL_SOCKET: join(world.dataFolder, 'sock')};
    const answer = await new Promise<string>(resolve =>
      execFile(process.execPath, [MAIN, 'ctl', 'restart', 'haproxy'], {env}, (error, stdout, stderr) =>
        resolve(error === null ? '' : `${error.code}: ${stdout}${stderr}`),
      ),
    );
    if (answer !== '') world.fail([{what: 'ctl restart haproxy was refused', detail: answer}]);
  });
