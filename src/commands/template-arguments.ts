import {readFile} from 'node:fs/promises';
import {buffer as bytesOfStream} from 'node:stream/consumers';
import {loadRenderSettings} from '../config/load.ts';
import {DaemonError, reasonOf} from '../errors.ts';
import type {Hosts} from '../members/member.ts';
import type {TemplateInput} from '../template/input.ts';
import {findAnnotatedPod} from '../template/manifest-annotation.ts';
import {podsOf, sampleHosts} from '../template/sample.ts';
import {decodeTemplate} from '../template/utf8.ts';
import type {CommandCall} from './call.ts';

/** What `render` and `check` work on. */
export interface TemplateArguments {
  readonly input: TemplateInput;
  /** The template's name, for messages. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly haproxy: string;
}

const refuse = (reason: string, cause?: unknown): never => {
  throw new DaemonError('USAGE', reason, {cause});
};

/**
 * Loads what the options of `render` and `check` name. Hosts that were not given are sampled where `samples` allows it. Rejects
 * with USAGE, saying what to do.
 */
export async function loadTemplateArguments(
  {text}: Pick<CommandCall<'render' | 'check'>, 'text'>,
  {samples}: {samples: boolean},
): Promise<TemplateArguments> {
  const source = await loadSource({template: text('template'), manifest: text('manifest'), name: text('name')});
  const {env, renderTimeoutMs, haproxy} = loadRenderSettings();
  const named = text('hosts');
  const hosts = named === undefined ? undefined : await loadHosts(named);
  if (hosts === undefined && !samples) refuse('no hosts: give --hosts FILE or --hosts \'{"web": ["10.0.0.1"]}\'');
  const given = hosts ?? sampleHostsOf(source.template);
  const {labels = {}, annotations = {}} = source;
  return {
    input: {
      template: source.template,
      variables: {
        hosts: given,
        pods: podsOf(given),
        node: {labels: {}, annotations: {}},
        labels,
        annotations,
        env,
        certs: {},
      },
    },
    name: source.name,
    timeoutMs: renderTimeoutMs,
    haproxy,
  };
}

/** A template that cannot be parsed fails when it is rendered, with its place. */
function sampleHostsOf(template: string): Hosts {
  try {
    return sampleHosts(template);
  } catch {
    return new Map();
  }
}

interface Source {
  readonly name: string;
  readonly template: string;
  readonly labels?: TemplateInput['variables']['labels'];
  readonly annotations?: TemplateInput['variables']['annotations'];
}

/** What was given of these. */
interface Named {
  readonly template: string | undefined;
  readonly manifest: string | undefined;
  readonly name: string | undefined;
}

async function loadSource({template, manifest, name}: Named): Promise<Source> {
  if (template !== undefined && manifest === undefined) return {name: template, template: await loadTemplate(template)};
  if (manifest === undefined || template !== undefined) return refuse('give either --template FILE or --manifest FILE');
  const pod = findAnnotatedPod(await load(manifest), manifest, name);
  return {...pod, name: `${manifest} (${pod.from})`};
}

const loadTemplate = async (path: string): Promise<string> =>
  decodeTemplate(await loadBytes(path), `cannot read the template ${path}`, 'USAGE');

const load = async (path: string): Promise<string> => (await loadBytes(path)).toString();

async function loadBytes(path: string): Promise<Buffer> {
  try {
    return await (path === '-' ? bytesOfStream(process.stdin) : readFile(path));
  } catch (error) {
    return refuse(`cannot read ${path}: ${reasonOf(error)}`, error);
  }
}

/** A value that begins like JSON is the hosts themselves; anything else names a file. */
async function loadHosts(value: string): Promise<Hosts> {
  const isText = /^\s*[{[]/.test(value);
  const where = isText ? '--hosts' : value;
  const text = isText ? value : await load(value);
  let hosts: unknown;
  try {
    hosts = JSON.parse(text);
  } catch (error) {
    return refuse(`cannot read the hosts in ${where}: ${reasonOf(error)}`, error);
  }
  if (typeof hosts !== 'object' || hosts === null || Array.isArray(hosts)) {
    return refuse(`cannot read the hosts in ${where}: expected {"app": ["10.0.0.1", ...], ...}`);
  }
  return new Map(
    Object.entries(hosts).map(([app, ips]) => {
      const isList = Array.isArray(ips) && ips.every(ip => typeof ip === 'string');
      return [app, isList ? ips : refuse(`cannot read the hosts in ${where}: "${app}" is not a list of addresses`)];
    }),
  );
}
