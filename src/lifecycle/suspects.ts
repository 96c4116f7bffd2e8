import {samePayload} from '../members/payload.ts';
import type {Pod, TemplateInput} from '../template/input.ts';

/** A member that changed since a template last worked. */
export interface Suspect {
  readonly pod: Pod;
  /** The same stay as it was then; undefined for a pod that came since. */
  readonly before: Pod | undefined;
}

/** Whether a pod says the same of itself. Its place in the order may be settled later: that is no change. */
export const saysTheSame = (one: Pod, other: Pod): boolean =>
  one.id === other.id &&
  one.app === other.app &&
  one.role === other.role &&
  one.key === other.key &&
  samePayload(one, other);

const isSameStay = (one: Pod, other: Pod | undefined): boolean => one.id === other?.id && one.app === other.app;

/** Who came or changed between two inputs; everybody where there is no earlier one. */
export function deriveSuspects(before: TemplateInput | undefined, {variables: {pods}}: TemplateInput): Suspect[] {
  const known = new Map(before?.variables.pods.map(pod => [pod.ip, pod]));
  return pods.flatMap(pod => {
    const earlier = known.get(pod.ip);
    if (earlier !== undefined && saysTheSame(earlier, pod)) return [];
    return [{pod, before: isSameStay(pod, earlier) ? earlier : undefined}];
  });
}

/** The input as if these had not come, or not changed. */
export function withoutSuspects(input: TemplateInput, suspects: readonly Suspect[]): TemplateInput {
  if (suspects.length === 0) return input;
  const byIp = new Map(suspects.map(suspect => [suspect.pod.ip, suspect]));
  const {hosts, pods} = input.variables;
  const isOut = (ip: string): boolean => byIp.has(ip) && byIp.get(ip)?.before === undefined;
  return {
    ...input,
    variables: {
      ...input.variables,
      hosts: new Map(
        [...hosts].flatMap(([app, ips]) => {
          const left = ips.filter(ip => !isOut(ip));
          return left.length > 0 ? [[app, left] as const] : [];
        }),
      ),
      pods: pods.flatMap(pod => {
        const suspect = byIp.get(pod.ip);
        if (suspect === undefined) return [pod];
        return suspect.before === undefined ? [] : [{...suspect.before, seq: pod.seq}];
      }),
    },
  };
}

/** Whether more of an app would be in quarantine than `percent` of its pods; one always may, unless it is 0. */
export function isOverBound(culprits: readonly Suspect[], pods: readonly Pod[], percent: number): boolean {
  const all = new Map([...pods, ...culprits.map(({pod}) => pod)].map(pod => [pod.ip, pod]));
  const sizes = Map.groupBy(all.values(), ({app}) => app);
  return [...Map.groupBy(culprits, ({pod}) => pod.app)].some(([app, found]) => {
    const share = Math.floor(((sizes.get(app)?.length ?? 0) * percent) / 100);
    // One may be found again, for another template.
    return new Set(found.map(({pod}) => pod.ip)).size > (percent === 0 ? 0 : Math.max(1, share));
  });
}
