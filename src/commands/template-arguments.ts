import {isIP} from 'node:net';
import {parseTlsNames, TLS_ANNOTATION} from '../certs/names.ts';
import {DaemonError, reasonOf} from '../errors.ts';
import type {Hosts} from '../members/member.ts';
import type {TemplateInput, TemplateVariables} from '../template/input.ts';
import {findTemplates, type ManifestTemplate} from '../template/manifest-templates.ts';
import {findNamedKeys} from '../template/named-keys.ts';
import {podsOf, sampleHosts, sampleServices} from '../template/sample.ts';
import {WHOLE_FILE} from '../template/source-place.ts';
import {decodeTemplate} from '../template/utf8.ts';
import type {CommandCall} from './call.ts';
import {readInput, readInputFile} from './read-input.ts';

/** A template to work on. */
export interface GivenTemplate extends ManifestTemplate {
  /** Its file (`-` is stdin), and the object in it where that is a manifest. */
  readonly name: string;
  readonly file: string;
  /** The names in `certs`: those of the pod's annotation, or the ones that the template itself names. */
  readonly certificates: readonly string[];
}

/** Some editors of Windows write it; to JSON and YAML it means nothing. */
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

type Options = Pick<CommandCall<'render' | 'check'>, 'text'>;

/** Where the daemon of an image has its certificates. */
export const CERTIFICATE_FOLDER = '/data/certs';

const refuse = (reason: string, cause?: unknown): never => {
  throw new DaemonError('USAGE', reason, {cause});
};

/** Loads the templates that the options name. Rejects with USAGE, saying what to do. */
export async function loadTemplates({text}: Options): Promise<GivenTemplate[]> {
  const [template, manifest] = [text('template'), text('manifest')];
  if (template !== undefined && manifest === undefined) {
    const given = decodeTemplate(await loadBytes(template), `cannot read the template ${template}`, 'USAGE');
    const whole = {from: template, template: given, place: WHOLE_FILE, labels: {}, annotations: {}};
    return [{...whole, name: template, file: template, certificates: certificatesIn(given)}];
  }
  if (manifest === undefined || template !== undefined) return refuse('give either --template FILE or --manifest FILE');
  const found = findTemplates(await load(manifest), manifest, {name: text('name'), key: text('key')});
  return found.map(one => {
    const annotation = one.annotations[TLS_ANNOTATION];
    const certificates = annotation === undefined ? certificatesIn(one.template) : parseTlsNames(annotation).names;
    return {...one, name: `${manifest} (${one.from})`, file: manifest, certificates};
  });
}

/** What a template cannot be parsed for is told when it is rendered. */
function attemptParsed<T>(work: () => T, instead: T): T {
  try {
    return work();
  } catch {
    return instead;
  }
}

const certificatesIn = (template: string): string[] =>
  attemptParsed(() => [...new Set(findNamedKeys(template, 'certs').map(({name}) => name))], []);

/** Hosts for a template when none are given: of these apps, or of those it names; none where it cannot be parsed. */
export const sampleHostsOf = (template: string, apps?: readonly string[]): Hosts =>
  attemptParsed(() => sampleHosts(template, apps), new Map());

/** What the daemon would render of it with these hosts. */
export function renderInputOf(
  {template, labels, annotations, certificates}: GivenTemplate,
  hosts: Hosts,
  env: TemplateVariables['env'],
): TemplateInput {
  const node = {labels: {}, annotations: {}};
  const certs = Object.fromEntries(certificates.map(name => [name, `${CERTIFICATE_FOLDER}/${name}.pem`]));
  const services = attemptParsed(() => (hosts.size === 0 ? new Map() : sampleServices(template)), new Map());
  return {template, variables: {hosts, pods: podsOf(hosts), node, labels, annotations, env, certs, services}};
}

async function load(path: string): Promise<string> {
  const bytes = await loadBytes(path);
  const isMarked = bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  return decodeTemplate(bytes.subarray(isMarked ? BYTE_ORDER_MARK.length : 0), `cannot read ${path}`, 'USAGE');
}

async function loadBytes(path: string): Promise<Buffer> {
  if (path === '') return refuse('the name of a file is empty: is it from a variable that is not set?');
  try {
    return await (path === '-' ? readInput(process.stdin) : readInputFile(path));
  } catch (error) {
    return refuse(`cannot read ${path}: ${reasonOf(error)}`, error);
  }
}

/** The hosts that `--hosts` gives, undefined when it is absent: JSON itself, or the name of a file. Rejects with USAGE. */
export async function loadHosts({text}: Options): Promise<Hosts | undefined> {
  const value = text('hosts');
  if (value === undefined) return undefined;
  const isText = /^\s*[{[]/.test(value);
  const where = `cannot read the hosts in ${isText ? '--hosts' : value}`;
  const json = isText ? value : await load(value);
  let hosts: unknown;
  try {
    hosts = JSON.parse(json);
  } catch (error) {
    return refuse(`${where}: ${reasonOf(error)}`, error);
  }
  if (typeof hosts !== 'object' || hosts === null || Array.isArray(hosts)) {
    return refuse(`${where}: expected {"app": ["10.0.0.1", ...], ...}`);
  }
  return new Map(Object.entries(hosts).map(([app, ips]) => [app, parseAddresses(app, ips, where)]));
}

/** A name is let through, since HAProxy may know it; what is written like an address has to be one. */
const isHost = (host: string): boolean => isIP(host) > 0 || /^(?=.*[A-Za-z_-])[\w.-]+$/.test(host);

function parseAddresses(app: string, ips: unknown, where: string): string[] {
  if (!Array.isArray(ips)) return refuse(`${where}: "${app}" is not a list of addresses`);
  return ips.map(ip => {
    if (typeof ip === 'string' && isHost(ip)) return ip;
    return refuse(`${where}: "${app}" holds ${JSON.stringify(ip)}, which is no IP address`);
  });
}
