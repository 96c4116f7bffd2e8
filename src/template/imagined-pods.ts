import type {Hosts} from '../members/member.ts';
import type {Pod, TemplateInput} from './input.ts';

/** An input with pods behind the real ones that nobody has started yet. */
export interface Imagined {
  readonly input: TemplateInput;
  /** Their addresses: none that a pod can have, and the same one at the same place among its app's. */
  readonly ips: ReadonlySet<string>;
  /** Words that tell one of them from the next one: a name that holds one cannot be foreseen. */
  readonly marks: readonly string[];
}

/** Beyond any number that is given, so that it is seen where a text holds it. */
const FIRST_SEQ = 1_900_000_001;

/** Adds so many pods to each app, behind its real ones and like the last of them; `ipAt` gives the address at a place. */
export function imaginePods(
  {template, variables}: TemplateInput,
  more: ReadonlyMap<string, number>,
  ipAt: (place: number) => string,
): Imagined {
  const ips = new Set<string>();
  const marks = new Set<string>();
  const pods: Pod[] = [];
  const hosts = new Map(variables.hosts);
  for (const [app, count] of more) {
    const last = variables.pods.findLast(pod => pod.app === app);
    const real = variables.hosts.get(app) ?? [];
    const own: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const ip = ipAt(real.length + index);
      const pod = {
        app,
        ip,
        id: `imagined-${app}-${index + 1}`,
        key: `imagined${index + 1}`,
        seq: FIRST_SEQ + pods.length,
      };
      for (const mark of [pod.id, pod.key, `${pod.seq}`]) marks.add(mark);
      own.push(ip);
      ips.add(ip);
      pods.push({...pod, role: last?.role ?? '', payload: last?.payload ?? ''});
    }
    if (own.length > 0) hosts.set(app, [...real, ...own]);
  }
  const input = {template, variables: {...variables, hosts: byApp(hosts), pods: [...variables.pods, ...pods]}};
  return {input, ips, marks: [...marks]};
}

const byApp = (hosts: Hosts): Hosts => new Map([...hosts].sort(([a], [b]) => (a < b ? -1 : 1)));
