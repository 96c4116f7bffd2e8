import * as models from '@kubernetes/client-node';

interface Attribute {
  readonly name: string;
  readonly baseName: string;
  readonly type: string;
}

/** A class of the client: it lists its fields, as the API's OpenAPI document does. */
interface Model {
  getAttributeTypeMap(): readonly Attribute[];
}

const modelOf = (type: string): Model | undefined => {
  const model: unknown = (models as Readonly<Record<string, unknown>>)[type];
  return typeof model === 'function' && 'getAttributeTypeMap' in model ? (model as unknown as Model) : undefined;
};

const GROUPS: Readonly<Record<string, string>> = {events: 'Events'};

/** `apps/v1` and `Deployment` -> `V1Deployment`. */
const typeOf = ({apiVersion, kind}: {readonly apiVersion: string; readonly kind: string}): string => {
  const [group = '', version = group] = apiVersion.split('/');
  return `${GROUPS[group] ?? ''}${version.charAt(0).toUpperCase()}${version.slice(1)}${kind}`;
};

const PRIMITIVES: Readonly<Record<string, readonly string[]>> = {
  string: ['string'],
  number: ['number'],
  boolean: ['boolean'],
  IntOrString: ['number', 'string'],
  V1MicroTime: ['string'],
  Date: ['string'],
};

function faultsOf(value: unknown, type: string, path: string): string[] {
  // As good as absent: a patch takes a field out with it.
  if (value === null) return [];
  const [, element] = /^Array<(.+)>$/.exec(type) ?? [];
  if (element !== undefined) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((entry, index) => faultsOf(entry, element, `${path}[${index}]`));
  }
  const [, entry] = /^\{ \[key: string\]: (.+); \}$/.exec(type) ?? [];
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (entry !== undefined) {
    if (!isObject) return [`${path} is no map`];
    return Object.entries(value).flatMap(([key, one]) => faultsOf(one, entry, `${path}.${key}`));
  }
  const primitives = PRIMITIVES[type];
  if (primitives !== undefined) return primitives.includes(typeof value) ? [] : [`${path} is no ${type}`];
  const model = modelOf(type);
  if (model === undefined) return type === 'any' ? [] : [`${path} is of a type that is not known: ${type}`];
  if (!isObject) return [`${path} is no ${type}`];
  const attributes = new Map(model.getAttributeTypeMap().map(attribute => [attribute.baseName, attribute.type]));
  return Object.entries(value).flatMap(([key, one]) => {
    const attribute = attributes.get(key);
    return attribute === undefined
      ? [`${path}.${key} is no field of ${type}`]
      : faultsOf(one, attribute, `${path}.${key}`);
  });
}

/** What a manifest holds that the current API does not know, or knows as another type; empty when all is well. */
export function checkManifest(document: Readonly<Record<string, unknown>>): string[] {
  const {apiVersion, kind} = document;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return ['apiVersion or kind is missing'];
  const type = typeOf({apiVersion, kind});
  return modelOf(type) === undefined ? [`there is no ${apiVersion} ${kind}`] : faultsOf(document, type, kind);
}
