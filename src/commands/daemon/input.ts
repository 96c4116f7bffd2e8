import type {Certificates} from '../../certs/certificates.ts';
import {DaemonError} from '../../errors.ts';
import type {Visit} from '../../lifecycle/lifecycle.ts';
import {CONFIGURE} from '../../lifecycle/manifest.ts';
import type {Quarantine} from '../../lifecycle/quarantine.ts';
import {type Manifest, rendersTemplate} from '../../lifecycle/spec.ts';
import {parseHosts} from '../../members/hosts-map.ts';
import type {Hosts, MemberView} from '../../members/member.ts';
import type {Registry} from '../../members/registry.ts';
import type {Pod, TemplateInput} from '../../template/input.ts';
import type {Rollback} from '../../template/rollback.ts';
import type {TemplateText} from '../../template/source.ts';
import type {Cluster} from './cluster.ts';
import type {Context} from './context.ts';

/** Who knows what a template can see. */
export interface InputSources {
  readonly observation: {readonly rollback: Pick<Rollback, 'current'>};
  readonly membership: {readonly registry: Pick<Registry, 'members'>};
  readonly cluster: {readonly certificates: Pick<Certificates, 'paths'>} & Pick<Cluster, 'serviceEndpoints'>;
}

/**
 * How a pass learns what its template can see (docs/templates.md#variables): its text, or the one that a rollback holds,
 * with today's pods; a template and hosts that came with a request win. Rejects with RENDER.
 */
export const createInputLoader =
  (
    {config, pod}: {readonly config: Pick<Context['config'], 'env'>; readonly pod: Pick<Context['pod'], 'facts'>},
    {observation, membership, cluster}: InputSources,
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
        services: cluster.serviceEndpoints(),
      },
    };
  };

/** How passes of a manifest load the template: where they render nothing, one that cannot be read fails none of them. */
export const loadForPasses = (manifest: Pick<Manifest, 'states'>, load: TemplateText['load']): TemplateText['load'] =>
  rendersTemplate(manifest)
    ? load
    : () =>
        load().catch(fault => {
          if (fault instanceof DaemonError && fault.code === 'RENDER') return '';
          throw fault;
        });

type InputContext = Parameters<typeof createInputLoader>[0];

/** What passes and previews are given, with nobody who is in quarantine; `loadWhole` is with everybody. */
export function createInputs(
  context: InputContext,
  needs: InputSources & {readonly ground: {readonly manifest: Pick<Manifest, 'states'>}},
  {
    hosts,
    load,
    quarantine,
  }: Pick<TemplateText, 'load'> & {
    readonly hosts: () => Hosts;
    readonly quarantine: Pick<Quarantine, 'apply'>;
  },
) {
  const loadWhole = createInputLoader(context, needs, {hosts, loadTemplate: load});
  const loadTemplate = loadForPasses(needs.ground.manifest, load);
  const loadOfPass = createInputLoader(context, needs, {hosts, loadTemplate});
  return {
    loadWhole,
    loadForPass: async (visit?: Visit) => quarantine.apply(await loadOfPass(visit)),
    async loadForPreview(template: string | undefined) {
      const given: Visit = {tag: CONFIGURE, cause: 'a preview', origin: 'daemon', input: undefined, template};
      return quarantine.apply(await loadWhole(given));
    },
  };
}

const podOf = ({app, id, ip, key, role, seq, payload, payloadText}: MemberView): Pod => ({
  app,
  id,
  ip,
  key,
  role,
  seq,
  payload,
  ...(payloadText !== undefined && {payloadText}),
});

/** The hosts that came with a request, which serve its pass alone; undefined when its input is something else. */
function givenHosts({origin, input}: Visit): Hosts | undefined {
  const parsed = origin === 'socket' && input !== undefined ? parseHosts(input.toString()) : undefined;
  if (parsed?.is === 'fault') throw new DaemonError('RENDER', `cannot use INPUT as hosts: ${parsed.reason}`);
  return parsed?.is === 'hosts' ? parsed.hosts : undefined;
}
