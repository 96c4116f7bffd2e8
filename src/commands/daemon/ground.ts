import type {Labels, TemplateSource} from '../../config/config.ts';
import {openDataFolder} from '../../config/data-folder.ts';
import {CONFIG_ANNOTATION, NO_TEMPLATE} from '../../config/parse.ts';
import {DaemonError} from '../../errors.ts';
import {type Firewall, openFirewall} from '../../firewall/gate.ts';
import {type Manifest, rendersTemplate} from '../../lifecycle/spec.ts';
import {systemClock as clock, unlessAborted} from '../../ports/clock.ts';
import {systemSpawn as spawn} from '../../ports/spawn.ts';
import {loadVersion} from '../../proxy/check.ts';
import type {Version} from '../../proxy/version.ts';
import {loadManifest} from '../packaged.ts';
import type {Context} from './context.ts';

/** What the daemon stands on: its data folder, locked, `lifecycle.yml`, HAProxy's version and the firewall. */
export interface Ground extends AsyncDisposable {
  readonly manifest: Manifest;
  readonly haproxy: Version;
  readonly firewall: Firewall;
  /** For the line that tells of a start. */
  readonly described: {readonly haproxy: string; readonly gate: Firewall['capability']};
}

/** Throws CONFIG where a state renders the template, and there is none. */
export function requireTemplate(manifest: Pick<Manifest, 'states'>, {is}: TemplateSource, annotations: Labels): void {
  if (is !== 'annotation' || CONFIG_ANNOTATION in annotations || !rendersTemplate(manifest)) return;
  throw new DaemonError('CONFIG', `cannot read the configuration: ${NO_TEMPLATE}`);
}

/** Rejects with DATA, LIFECYCLE, CONFIG (a template is needed, and there is none) or HAPROXY. */
export async function openGround({config, room, template, pod, ending: {asked}}: Context): Promise<Ground> {
  const {dataFolder} = config;
  await using opening = new AsyncDisposableStack();
  opening.use(await openDataFolder(dataFolder));
  // What HAProxy writes beside its configuration (the account key of `acme`) goes to the folder it is started in.
  process.chdir(dataFolder);
  const manifest = loadManifest(config.lifecycle);
  requireTemplate(manifest, template, pod.facts.annotations);
  for (const reason of manifest.warnings) room('main').warn({reason}, 'lifecycle manifest warning');
  const haproxy = await loadVersion({spawn, haproxy: config.haproxy}, asked);
  const firewallPorts = {spawn, clock, log: room('firewall'), lockFile: `${dataFolder}/xtables.lock`};
  const firewall = await unlessAborted(openFirewall(firewallPorts), asked);
  const closing = opening.move();
  return {
    manifest,
    haproxy,
    firewall,
    described: {haproxy: haproxy.text, gate: firewall.capability},
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
