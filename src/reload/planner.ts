import type {ProcessTable} from '../jobs/proc.ts';
import type {Files} from '../ports/files.ts';
import {parseBinds} from '../proxy/binds.ts';
import {parseGlobals} from '../proxy/globals.ts';
import type {Capabilities} from './capabilities.ts';
import {exposesListeners} from './files.ts';
import type {StagedGeneration} from './generation.ts';
import {deriveInheritance, type Inheritance} from './inherited-sockets.ts';
import {deriveListeners, socketKey} from './listeners.ts';
import type {OwnedSockets} from './owned-sockets.ts';
import {type OldSide, type PlanSide, planReload, type ReloadPlan} from './plan.ts';
import type {ReloadSetting, ReloadWay} from './ways.ts';

export interface PlannerPorts {
  readonly ask: (socket: string, command: string) => Promise<string>;
  readonly capabilities: Capabilities;
  readonly files: Pick<Files, 'readText'>;
  readonly ownedSockets: OwnedSockets;
  readonly pidIn: (answer: string) => number | undefined;
  readonly processes: Pick<ProcessTable, 'listeningPorts'>;
  readonly setting: ReloadSetting;
}

/** The way a reload would go, listener by listener. */
export interface PlanSummary {
  readonly way: ReloadWay;
  readonly why: string;
  readonly listeners: readonly {readonly address: string; readonly way: ReloadWay}[];
}

/** Plans reloads with what is really there: looks at the running generations, binds the sockets that will be inherited. */
export interface Planner {
  /** `runTheirText`: the old generations run what their texts say, for all that is known. */
  plan(
    text: string,
    old: readonly StagedGeneration[],
    known: {readonly runTheirText: boolean},
  ): Promise<{readonly plan: ReloadPlan; readonly inheritance: Inheritance}>;
  /** What the last plan said; before the first, what it would say. */
  summary(text: string): PlanSummary;
}

export function createPlanner(ports: PlannerPorts): Planner {
  const {capabilities, ownedSockets, setting} = ports;
  let summary: PlanSummary | undefined;

  const planWith = (text: string, old: OldSide | undefined, refusals: ReadonlyMap<string, string>): ReloadPlan =>
    planReload({
      setting,
      capabilities,
      next: derivePlanSide(text, capabilities),
      old,
      refusal: key => refusals.get(key),
    });

  /** It must answer, or the new one would die of it. */
  const offers = async ({paths, supervisor}: StagedGeneration): Promise<boolean> => {
    if (!capabilities.haproxy.transfer) return false;
    try {
      const control = (await ports.files.readText(paths.control)) ?? '';
      if (!exposesListeners(control)) return false;
      return ports.pidIn(await ports.ask(paths.socket, 'show info')) === supervisor.child?.pid;
    } catch {
      return false;
    }
  };

  return {
    async plan(text, old, known) {
      const side = await readOldSide(old, capabilities, {...ports, ...known, offers});
      const wish = planWith(text, side, new Map());
      const refusals = ownedSockets.obtain(socketsOf(wish));
      const plan = refusals.size === 0 ? wish : planWith(text, side, refusals);
      const inherited = plan.listeners.filter(({inherits}) => inherits).map(({listener}) => listener);
      summary = summaryOf(plan);
      return {plan, inheritance: deriveInheritance(inherited)};
    },
    summary: text => (summary ??= summaryOf(planWith(text, undefined, new Map()))),
  };
}

const socketsOf = ({listeners}: ReloadPlan) =>
  listeners.filter(({inherits}) => inherits).flatMap(({listener}) => listener.sockets);

const summaryOf = ({way, why, listeners}: ReloadPlan): PlanSummary => ({
  way,
  why,
  listeners: listeners.map(({listener, way: own}) => ({address: listener.address, way: own})),
});

/** What a text means for a reload. */
export function derivePlanSide(text: string, kernel: {readonly bindV6Only: boolean}): PlanSide {
  const abstracts = parseBinds(text).flatMap(bind => {
    if (bind.is === 'abstract') return [bind.address];
    // All of it is a variable: it may be one.
    return bind.is === 'unresolved' && bind.text.startsWith('$') ? [bind.text] : [];
  });
  return {listeners: deriveListeners(text, kernel), noreuseport: parseGlobals(text).noreuseport, abstracts};
}

/** The text says all that HAProxy listens on: it knows every address. */
const isComplete = (text: string): boolean => parseBinds(text).every(({is}) => is !== 'unresolved');

/**
 * What the generations that still listen mean for a reload, all in one; undefined when none does. Where the text does
 * not say it all (a variable in an address, an adopted HAProxy that may run something else), the ports that are really
 * listened on count too.
 */
async function readOldSide(
  old: readonly StagedGeneration[],
  kernel: {readonly bindV6Only: boolean},
  ports: {
    readonly processes: Pick<ProcessTable, 'listeningPorts'>;
    /** Whether a generation offers its listening sockets. */
    readonly offers: (generation: StagedGeneration) => Promise<boolean>;
    readonly runTheirText: boolean;
  },
): Promise<OldSide | undefined> {
  const newest = old.at(-1);
  if (newest === undefined) return undefined;
  const sides = old.map(({text}) => derivePlanSide(text, kernel));
  const seen = old
    .filter(({text}) => !(ports.runTheirText && isComplete(text)))
    .map(({supervisor}) => ports.processes.listeningPorts(supervisor.child?.pid ?? 0).catch(() => []));
  const listeners = sides.flatMap(side => side.listeners);
  return {
    listeners,
    noreuseport: sides.some(side => side.noreuseport),
    abstracts: sides.flatMap(side => side.abstracts),
    // Only what all of them listen on is shared without loss.
    inherited: new Set(
      newest.inheritance.sockets
        .map(socketKey)
        .filter(key => old.every(({inheritance}) => inheritance.sockets.some(socket => socketKey(socket) === key))),
    ),
    ports: [...new Set([...listeners.flatMap(listener => listener.ports), ...(await Promise.all(seen)).flat()])],
    offers: old.length === 1 && (await ports.offers(newest)),
  };
}
