import {parseAllDocuments} from 'yaml';
import type {Labels} from '../config/config.ts';
import {CONFIG_ANNOTATION} from '../config/parse.ts';
import {DaemonError, reasonOf} from '../errors.ts';

/** A pod template with our annotation, as a manifest holds it. */
export interface AnnotatedPod {
  /** `Deployment/haproxy`. */
  readonly from: string;
  readonly template: string;
  readonly labels: Labels;
  readonly annotations: Labels;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const recordIn = (value: unknown, ...path: readonly string[]): Readonly<Record<string, unknown>> | undefined => {
  let found = value;
  for (const key of path) found = isRecord(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  return isRecord(found) ? found : undefined;
};

const textsOf = (value: Readonly<Record<string, unknown>> | undefined): Labels =>
  Object.fromEntries(
    Object.entries(value ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

/** The metadata of the pods that an object makes: a workload's template, a CronJob's, or a Pod's own. */
function podMetadata(object: unknown): Readonly<Record<string, unknown>> | undefined {
  const paths = [
    ['spec', 'template', 'metadata'],
    ['spec', 'jobTemplate', 'spec', 'template', 'metadata'],
    ['metadata'],
  ];
  return paths.map(path => recordIn(object, ...path)).find(metadata => hasTemplate(metadata));
}

const hasTemplate = (metadata: Readonly<Record<string, unknown>> | undefined): boolean =>
  typeof recordIn(metadata, 'annotations')?.[CONFIG_ANNOTATION] === 'string';

/** An object, or the items of a `List`. */
const objectsIn = (document: unknown): unknown[] => {
  if (!isRecord(document)) return [];
  return Array.isArray(document.items) ? document.items.flatMap(objectsIn) : [document];
};

/**
 * Picks the annotation `haproxy.unity3d.com/config` out of a manifest: any workload, a Pod, a List, several documents.
 * Where several objects have one, `name` says which (its name, or `Kind/name`). Throws a USAGE error that says what to do.
 */
export function findAnnotatedPod(yaml: string, path: string, name?: string): AnnotatedPod {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new DaemonError('USAGE', `cannot take a template from ${path}: ${reason}`, {cause});
  };
  const pods = parseAllDocuments(yaml).flatMap(document => {
    const [error] = document.errors;
    if (error !== undefined) refuse(`it is not YAML: ${reasonOf(error).split('\n')[0]}`, error);
    return objectsIn(document.toJS()).flatMap(describe);
  });
  const chosen = name === undefined ? pods : pods.filter(({from}) => from === name || from.endsWith(`/${name}`));
  const [pod] = chosen;
  if (pod === undefined)
    return refuse(`no object${name === undefined ? '' : ` ${name}`} in it has the annotation ${CONFIG_ANNOTATION}`);
  if (chosen.length === 1) return pod;
  return refuse(`several objects have the annotation: choose with --name ${pods.map(({from}) => from).join(' or ')}`);
}

function describe(object: unknown): AnnotatedPod[] {
  const metadata = podMetadata(object);
  if (metadata === undefined || !isRecord(object)) return [];
  const annotations = textsOf(recordIn(metadata, 'annotations'));
  const name = recordIn(object, 'metadata')?.name;
  return [
    {
      from: `${object.kind}/${name ?? '(unnamed)'}`,
      template: annotations[CONFIG_ANNOTATION] ?? '',
      labels: textsOf(recordIn(metadata, 'labels')),
      annotations,
    },
  ];
}
