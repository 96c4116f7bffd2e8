import {isScalar, LineCounter, parseAllDocuments, Scalar} from 'yaml';
import type {Labels} from '../config/config.ts';
import {CONFIG_ANNOTATION} from '../config/parse.ts';
import {DaemonError, reasonOf} from '../errors.ts';
import type {SourcePlace} from './source-place.ts';

/** A template as an object of a manifest holds it, with the labels and annotations of the pods that use it. */
export interface ManifestTemplate {
  /** `Deployment/haproxy`. */
  readonly from: string;
  readonly template: string;
  readonly place: SourcePlace;
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** Which templates of a manifest are meant. */
export interface ManifestChoice {
  /** The object's name, or `Kind/name`. */
  readonly name?: string | undefined;
  /** The key of ConfigMaps that holds a template. */
  readonly key?: string | undefined;
}

type Path = readonly (string | number)[];

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const recordIn = (value: unknown, path: Path): Readonly<Record<string, unknown>> | undefined => {
  let found = value;
  for (const key of path) found = isRecord(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  return isRecord(found) ? found : undefined;
};

const textsOf = (value: Readonly<Record<string, unknown>> | undefined): Labels =>
  Object.fromEntries(
    Object.entries(value ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

/** The metadata of the pods that an object makes: a workload's template, a CronJob's, or a Pod's own. */
const METADATA_PATHS: readonly Path[] = [
  ['spec', 'template', 'metadata'],
  ['spec', 'jobTemplate', 'spec', 'template', 'metadata'],
  ['metadata'],
];

/** An object, or the items of a `List`, each with its path in the document. */
const objectsIn = (document: unknown, path: Path = []): {readonly object: unknown; readonly path: Path}[] => {
  if (!isRecord(document)) return [];
  if (!Array.isArray(document.items)) return [{object: document, path}];
  return document.items.flatMap((item, index) => objectsIn(item, [...path, 'items', index]));
};

/** A template within an object, and the path to its text. */
type Held = Omit<ManifestTemplate, 'place'> & {readonly path: Path};

function templateOf(object: unknown, key: string | undefined): Held[] {
  if (!isRecord(object)) return [];
  const from = `${object.kind}/${recordIn(object, ['metadata'])?.name ?? '(unnamed)'}`;
  const texts = textsOf(recordIn(object, ['data']));
  if (object.kind === 'ConfigMap' && key !== undefined && texts[key] !== undefined) {
    return [{from, template: texts[key], path: ['data', key], labels: {}, annotations: {}}];
  }
  for (const path of METADATA_PATHS) {
    const annotations = textsOf(recordIn(object, [...path, 'annotations']));
    const template = annotations[CONFIG_ANNOTATION];
    if (template === undefined) continue;
    const labels = textsOf(recordIn(object, [...path, 'labels']));
    return [{from, template, path: [...path, 'annotations', CONFIG_ANNOTATION], labels, annotations}];
  }
  return [];
}

/** The place of a text: a block's lines (`|`) are those of the file, anything else is written otherwise. */
function placeOf(node: unknown, yaml: string, lines: LineCounter): SourcePlace {
  const start = isScalar(node) ? node.range?.[0] : undefined;
  const {line} = lines.linePos(start ?? 0);
  if (!isScalar<string>(node) || node.type !== Scalar.BLOCK_LITERAL) {
    return {lineOf: () => line, columnOf: undefined};
  }
  const texts = String(node.value).split('\n');
  const first = Math.max(
    0,
    texts.findIndex(text => text.trim() !== ''),
  );
  const inFile = yaml.split('\n')[line + first] ?? '';
  const indent = inFile.search(/\S|$/) - (texts[first] ?? '').search(/\S|$/);
  return {lineOf: number => line + number, columnOf: column => column + indent};
}

/**
 * The templates of a manifest: the annotations `haproxy.unity3d.com/config` of any workload, Pod or List in its documents,
 * and what ConfigMaps hold under `key`, in the order of the file. Throws a USAGE error that says what to do when there is
 * none.
 */
export function findTemplates(yaml: string, path: string, {name, key}: ManifestChoice = {}): ManifestTemplate[] {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new DaemonError('USAGE', `cannot take a template from ${path}: ${reason}`, {cause});
  };
  const lines = new LineCounter();
  const found = parseAllDocuments(yaml, {lineCounter: lines}).flatMap(document => {
    const [error] = document.errors;
    if (error !== undefined) refuse(`it is not YAML: ${reasonOf(error).split('\n')[0]}`, error);
    return objectsIn(document.toJS()).flatMap(({object, path: toObject}) =>
      templateOf(object, key).map(({path: toText, ...held}): ManifestTemplate => {
        const node = document.getIn([...toObject, ...toText], true);
        return {...held, place: placeOf(node, yaml, lines)};
      }),
    );
  });
  const chosen = name === undefined ? found : found.filter(({from}) => from === name || from.endsWith(`/${name}`));
  // A key that is misspelt would leave its templates out in silence.
  if (key !== undefined && found.length > 0 && !found.some(({from}) => from.startsWith('ConfigMap/')))
    refuse(`no ConfigMap in it has the key ${key}`);
  if (chosen.length > 0) return chosen;
  if (found.length > 0)
    refuse(`there is no object ${name} with one in it, but ${found.map(({from}) => from).join(', ')}`);
  return refuse(
    `no object in it has the annotation ${CONFIG_ANNOTATION}${
      key === undefined ? ', nor is --key given for a ConfigMap' : `, and no ConfigMap the key ${key}`
    }`,
  );
}
