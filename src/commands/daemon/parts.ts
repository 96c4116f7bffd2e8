import type {Converger} from '../../lifecycle/converge.ts';
import type {Lifecycle} from '../../lifecycle/lifecycle.ts';
import type {Passes} from '../../lifecycle/passes.ts';
import type {Quarantine} from '../../lifecycle/quarantine.ts';
import type {Registry} from '../../members/registry.ts';
import type {DriftWatch} from '../../proxy/drift-watch.ts';
import type {Generations} from '../../reload/generations.ts';
import type {TemplateText} from '../../template/source.ts';
import {type Cluster, openCluster} from './cluster.ts';
import type {Context} from './context.ts';
import {type Endpoints, openEndpoints} from './endpoints.ts';
import {type Ground, openGround} from './ground.ts';
import {type Membership, openMembership} from './membership.ts';
import {type Observation, openObservation} from './observation.ts';
import {openPipeline, type Pipeline} from './pipeline.ts';
import {openProxy, type ProxyPart} from './proxy.ts';
import {openSlaveRole, type SlaveRole} from './slave-role.ts';

/** What the story of the daemon asks of each of its parts. */
export interface Parts {
  readonly ground: AsyncDisposable & Pick<Ground, 'described'>;
  readonly observation: AsyncDisposable & Pick<Observation, 'noteMembers' | 'notePass'>;
  readonly membership: AsyncDisposable & {readonly registry: Pick<Registry, 'follow' | 'listening'>} & Pick<
      Membership,
      'loaded' | 'join'
    >;
  readonly proxy: AsyncDisposable & {
    readonly generations: Pick<Generations, 'text' | 'hung' | 'startsRefused'>;
    readonly drift: Pick<DriftWatch, 'look' | 'follow'>;
  } & Pick<ProxyPart, 'failed' | 'drain'>;
  readonly cluster: AsyncDisposable &
    Pick<Cluster, 'changes' | 'passed' | 'quarantined' | 'hung' | 'drifted' | 'failed' | 'annotated'>;
  readonly pipeline: AsyncDisposable & {
    readonly converger: Pick<Converger, 'changed' | 'request' | 'close'>;
    readonly passes: Pick<Passes, 'ended'>;
    readonly quarantine: Pick<Quarantine, 'found' | 'due'>;
    readonly templateText: Pick<TemplateText, 'follow'>;
    readonly lifecycle: Pick<Lifecycle, 'stop'>;
  } & Pick<Pipeline, 'boot' | 'describe' | 'startAnew'>;
  readonly endpoints: AsyncDisposable & Pick<Endpoints, 'ports' | 'passed' | 'poke'>;
  readonly slave: AsyncDisposable & Pick<SlaveRole, 'annotated' | 'close'>;
}

/** How each part is opened: it knows only those that were opened before it. */
export interface Openers<P extends Parts> {
  openGround(): Promise<P['ground']>;
  openObservation(): Promise<P['observation']>;
  openMembership(): Promise<P['membership']>;
  openProxy(opened: Pick<P, 'ground' | 'observation' | 'membership'>): Promise<P['proxy']>;
  openCluster(opened: Pick<P, 'ground'>): Promise<P['cluster']>;
  openPipeline(opened: Pick<P, 'ground' | 'observation' | 'membership' | 'proxy' | 'cluster'>): Promise<P['pipeline']>;
  openEndpoints(
    opened: Pick<P, 'ground' | 'observation' | 'membership' | 'proxy' | 'cluster' | 'pipeline'>,
  ): Promise<P['endpoints']>;
  openSlave(opened: Pick<P, 'endpoints'>): Promise<P['slave']>;
}

/** The parts as they really are: what they know of each other is more than the story asks. */
export interface RealParts extends Parts {
  readonly ground: Ground;
  readonly observation: Observation;
  readonly membership: Membership;
  readonly proxy: ProxyPart;
  readonly cluster: Cluster;
  readonly pipeline: Pipeline;
  readonly endpoints: Endpoints;
  readonly slave: SlaveRole;
}

export const createOpeners = (context: Context): Openers<RealParts> => ({
  openGround: () => openGround(context),
  openObservation: () => openObservation(context),
  openMembership: () => openMembership(context),
  openProxy: opened => openProxy(context, opened),
  openCluster: ({ground}) => openCluster(context, ground),
  openPipeline: opened => openPipeline(context, opened),
  openEndpoints: opened => openEndpoints(context, opened),
  openSlave: ({endpoints}) => openSlaveRole(context.config, context.room('slave'), endpoints.tokenFile),
});
