import {DaemonError} from '../errors.ts';
import type {Hosts} from '../members/member.ts';
import {stepByStep} from '../ports/event-loop.ts';
import type {Log} from '../ports/log.ts';
import {MAX_SPARE, spareIp} from '../proxy/spare-address.ts';
import {addSpareServers, type Spared} from '../proxy/spare-servers.ts';
import type {ReadTexts} from '../reload/read-texts.ts';
import {imaginePods} from '../template/imagined-pods.ts';
import type {TemplateInput} from '../template/input.ts';
import type {Renderer} from '../template/renderer.ts';

/** How many an app gets when HAProxy is started: a number, or as its size asks. */
export type SpareSetting = 'auto' | number;

/** Servers for pods to come, on a HAProxy that cannot add any while it runs. */
export interface SpareServers {
  /** Finds out what more pods would add to a text that was rendered of this input. Rejects as the signal says, and never else. */
  find(input: TemplateInput, text: string, signal: AbortSignal): Promise<void>;
  /** Why the last text has none; undefined where it has some. */
  readonly why: string | undefined;
}

const MIN_AUTO = 2;
const MAX_AUTO = 64;
const SHARE_AUTO = 4;

/** How many servers each app has, spare ones included: as before while it fits, else with new ones. */
export function growRooms(
  rooms: ReadonlyMap<string, number>,
  hosts: Hosts,
  setting: SpareSetting,
): Map<string, number> {
  const grown = new Map(rooms);
  for (const [app, ips] of hosts) {
    const count = ips.length;
    if (count <= (rooms.get(app) ?? 0)) continue;
    const auto = Math.min(MAX_AUTO, Math.max(MIN_AUTO, Math.ceil(count / SHARE_AUTO)));
    grown.set(app, count + Math.min(MAX_SPARE, setting === 'auto' ? auto : setting));
  }
  return grown;
}

export function createSpareServers(
  setting: SpareSetting,
  {
    renderer,
    texts,
    log,
  }: {readonly renderer: Pick<Renderer, 'render'>; readonly texts: Pick<ReadTexts, 'keep'>; readonly log: Log},
): SpareServers {
  let rooms: ReadonlyMap<string, number> = new Map();
  let why: string | undefined;

  const spare = async (input: TemplateInput, text: string, signal: AbortSignal): Promise<Spared> => {
    const {hosts} = input.variables;
    rooms = growRooms(rooms, hosts, setting);
    const free = [...rooms].map(([app, room]) => [app, room - (hosts.get(app)?.length ?? 0)] as const);
    const spared = await spareFor(new Map(free), input, text, signal);
    const peopled = free.filter(([app]) => hosts.has(app));
    // The first pod of an app may bring a backend of its own.
    return spared.is === 'spared' || peopled.length === free.length
      ? spared
      : await spareFor(new Map(peopled), input, text, signal);
  };

  const spareFor = async (
    free: ReadonlyMap<string, number>,
    input: TemplateInput,
    text: string,
    signal: AbortSignal,
  ): Promise<Spared> => {
    const {input: imagined, ips, marks} = imaginePods(input, free, spareIp);
    if (ips.size === 0) return {is: 'none', why: undefined};
    try {
      return await stepByStep(addSpareServers(text, {text: await renderer.render(imagined, signal), ips, marks}));
    } catch (fault) {
      if (signal.aborted || !(fault instanceof DaemonError)) throw fault;
      return {is: 'none', why: `the template fails with more pods: ${fault.message}`};
    }
  };

  return {
    async find(input, text, signal) {
      const spared = await spare(input, text, signal);
      texts.keep(text, spared.is === 'spared' ? spared.text : undefined);
      const was = why;
      why = spared.is === 'none' ? spared.why : undefined;
      if (why !== undefined && why !== was) log.info({reason: why}, 'no spare servers: pods that join take a reload');
    },
    get why() {
      return why;
    },
  };
}
