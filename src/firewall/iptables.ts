import {DaemonError, systemCodeOf} from '../errors.ts';
import type {Finished, Spawn} from '../ports/spawn.ts';
import type {Family} from './family.ts';
import {deriveRefusal} from './iptables-answers.ts';
import {deriveSweep, GATE_OUT} from './rules.ts';

const TOOLS = {ipv4: 'iptables', ipv6: 'ip6tables'} as const satisfies Record<Family, string>;

/**
 * Spelt `--wait=2` since that is taken by all: 1.8 refuses `-w2`; 1.6.0, whose restore takes no lock, ignores an
 * unknown long option but would read the 2 of `-w 2` as a file name.
 */
const LOCK_WAIT = '--wait=2';

/** Above the two seconds for the lock; a batch itself takes some 10 ms. */
const COMMAND_LIMIT_MS = 5000;

/** The filter table of one address family. Every method rejects with APPLY, what the tool wrote being the `detail`. */
export interface Iptables {
  readonly family: Family;
  /** `iptables` or `ip6tables`. */
  readonly tool: string;
  /**
   * Applies a batch: all of it or nothing. Other rules stay. For one that is yet to come the program is loaded already;
   * it takes no lock before it reads, and changes nothing when we die.
   */
  restore(batch: string | Promise<string>): Promise<void>;
  /** The filter table as `iptables-save` prints it. */
  save(): Promise<string>;
  /** The line of `iptables --version`. */
  version(): Promise<string>;
}

/** Commands take xtables' lock (legacy before 1.8.5 does not know the variable) at `lockFile`. */
export function openIptables(family: Family, {spawn, lockFile}: {spawn: Spawn; lockFile: string}): Iptables {
  const tool = TOOLS[family];

  async function run(file: string, args: readonly string[], input?: Input): Promise<string> {
    const {code, signal, stdout, stderr, timedOut} = await start(file, args, input);
    if (code === 0) return stdout;
    const end = timedOut ? `no answer within ${COMMAND_LIMIT_MS} ms` : `ended with ${signal ?? `code ${code}`}`;
    throw new DaemonError('APPLY', `cannot run ${file}: ${deriveRefusal(stderr) ?? end}`, {detail: stderr});
  }

  async function start(file: string, args: readonly string[], input?: Input): Promise<Finished> {
    try {
      return await spawn.run(
        {file, args, env: {XTABLES_LOCKFILE: lockFile}},
        {timeoutMs: COMMAND_LIMIT_MS, ...(input !== undefined && {input})},
      );
    } catch (cause) {
      const reason = systemCodeOf(cause) === 'ENOENT' ? 'it is not installed' : 'it cannot be started';
      throw new DaemonError('APPLY', `cannot run ${file}: ${reason}`, {cause});
    }
  }

  return {
    family,
    tool,
    async restore(batch) {
      await run(`${tool}-restore`, ['--noflush', LOCK_WAIT], batch);
    },
    save: () => run(`${tool}-save`, ['-t', 'filter']),
    version: () => run(tool, ['--version']),
  };
}

type Input = string | Promise<string>;

/** Removes all that is ours, however it came to be there. Nothing there is fine. */
export async function sweep(iptables: Iptables): Promise<void> {
  const batch = deriveSweep(await iptables.save());
  if (batch !== undefined) await iptables.restore(batch);
}

/**
 * Takes one gate out in one batch, as soon as it is time; sweeps when that fails, since someone else may have swept or
 * left more behind.
 */
export async function reopen(iptables: Iptables, time: Promise<void>): Promise<void> {
  try {
    await iptables.restore(time.then(() => GATE_OUT));
  } catch {
    await time;
    await sweep(iptables);
  }
}
