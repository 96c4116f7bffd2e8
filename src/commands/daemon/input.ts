import {DaemonError} from '../../errors.ts';
import type {Visit} from '../../lifecycle/lifecycle.ts';
import {parseHosts} from '../../members/hosts-map.ts';
import type {Hosts, MemberView} from '../../members/member.ts';
import type {Pod, TemplateInput} from '../../template/input.ts';
import type {TemplateText} from '../../template/source.ts';
import type {Context} from './context.ts';
import type {PipelineNeeds} from './pipeline.ts';

/**
 * How a pass learns what its template can see (docs/templates.md#variables): its text, or the one that a rollback holds,
 * with today's pods; a template and hosts that came with a request win. Rejects with RENDER.
 */
export const createInputLoader =
  (
    {config, pod}: Context,
    {observation, membership, cluster}: PipelineNeeds,
    {hosts, loadTemplate}: {readonly hosts: () => Hosts; readonly loadTemplate: TemplateText['load']},
  ) =>
  async (visit?: Visit): Promise<TemplateInput> => {
    const {labels, annotations, nodeLabels, nodeAnnotations} = pod.facts;
    return {
      template: visit?.template ?? observation.rollback.current?.template ?? (await loadTemplate()),
      variables: {
        hosts: (visit && givenHosts(visit)) ?? hosts(),
        pods: membership.registry.members().map(podOf),
        node: {labels: nodeLabels, annotations: nodeAnnotations},
        labels,
        annotations,
        env: config.env,
        certs: cluster.certificates.paths(),
      },
    };
  };

/** For passes that render nothing: a template that cannot be read fails none of them. */
export const loadedOrNone =
  (load: TemplateText['load']): TemplateText['load'] =>
  () =>
    load().catch(fault => {
      if (fault instanceof DaemonError && fault.code === 'RENDER') return '';
      throw fault;
    });

const podOf = ({app, id, ip, key, role, seq, payload}: MemberView): Pod => ({app, id, ip, key, role, seq, payload});

/** The hosts that came with a request, which serve its pass alone; undefined when its input is something else. */
function givenHosts({origin, input}: Visit): Hosts | undefined {
  const parsed = origin === 'socket' && input !== undefined ? parseHosts(input.toString()) : undefined;
  if (parsed?.is === 'fault') throw new DaemonError('RENDER', `cannot use INPUT as hosts: ${parsed.reason}`);
  return parsed?.is === 'hosts' ? parsed.hosts : undefined;
}
