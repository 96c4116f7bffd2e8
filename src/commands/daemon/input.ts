import type {Config} from '../../config/config.ts';
import {DaemonError} from '../../errors.ts';
import type {PodFacts} from '../../kubernetes/facts.ts';
import type {Visit} from '../../lifecycle/lifecycle.ts';
import {parseHosts} from '../../members/hosts-map.ts';
import type {Hosts, MemberView} from '../../members/member.ts';
import type {TemplateInput} from '../../template/input.ts';

export interface InputSources {
  readonly env: Config['env'];
  /** The template's text as it is now, or the one that a rollback holds. Rejects with RENDER. */
  readonly loadTemplate: () => Promise<string>;
  readonly hosts: () => Hosts;
  readonly members: () => readonly MemberView[];
  readonly facts: () => PodFacts;
  /** Paths of the certificates by the names of their Secrets. */
  readonly certs: () => Readonly<Record<string, string>>;
}

/** How a pass learns what its template can see (docs/templates.md#variables); hosts that came with a request win. */
export const createInputLoader =
  ({env, loadTemplate, hosts, members, facts, certs}: InputSources) =>
  async (visit?: Visit): Promise<TemplateInput> => {
    const {labels, annotations, nodeLabels, nodeAnnotations} = facts();
    return {
      template: visit?.template ?? (await loadTemplate()),
      variables: {
        hosts: (visit && givenHosts(visit)) ?? hosts(),
        pods: members().map(({app, id, ip, key, role, seq, payload}) => ({app, id, ip, key, role, seq, payload})),
        node: {labels: nodeLabels, annotations: nodeAnnotations},
        labels,
        annotations,
        env,
        certs: certs(),
      },
    };
  };

/** The hosts that came with a request, which serve its pass alone; undefined when its input is something else. */
function givenHosts({origin, input}: Visit): Hosts | undefined {
  const parsed = origin === 'socket' && input !== undefined ? parseHosts(input.toString()) : undefined;
  if (parsed?.is === 'fault') throw new DaemonError('RENDER', `cannot use INPUT as hosts: ${parsed.reason}`);
  return parsed?.is === 'hosts' ? parsed.hosts : undefined;
}
