import type {Labels} from './objects.ts';

/** What the daemon knows of its own pod and node. A fact that nobody told is undefined, or empty for maps. */
export interface PodFacts {
  readonly uid: string | undefined;
  readonly ip: string | undefined;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly nodeName: string | undefined;
  /** Of the pod's first container. */
  readonly image: string | undefined;
  readonly nodeLabels: Labels;
  readonly nodeAnnotations: Labels;
  /** The node's external address. */
  readonly eip: string | undefined;
}

/** The facts that one source tells; what it does not know is absent. */
export type ToldFacts = {readonly [Name in keyof PodFacts]?: PodFacts[Name]};

/** Where a fact can come from, the first that knows it wins. `remembered` is what the API said before a restart. */
const FACT_SOURCES = ['variable', 'downward', 'api', 'remembered'] as const;
export type FactSource = (typeof FACT_SOURCES)[number];

export type Told = {readonly [Source in FactSource]?: ToldFacts};

const NOTHING: PodFacts = {
  uid: undefined,
  ip: undefined,
  labels: {},
  annotations: {},
  nodeName: undefined,
  image: undefined,
  nodeLabels: {},
  nodeAnnotations: {},
  eip: undefined,
};

export const FACT_NAMES = Object.keys(NOTHING) as readonly (keyof PodFacts)[];

/** The facts that hold, and for each that anybody told, who did. */
export function deriveFacts(told: Told): {
  readonly facts: PodFacts;
  readonly sources: Readonly<Partial<Record<keyof PodFacts, FactSource>>>;
} {
  const sourceOf = (name: keyof PodFacts) => FACT_SOURCES.find(source => told[source]?.[name] !== undefined);
  const known = FACT_NAMES.flatMap(name => {
    const source = sourceOf(name);
    return source === undefined ? [] : [{name, source, value: told[source]?.[name]}];
  });
  return {
    facts: {...NOTHING, ...Object.fromEntries(known.map(({name, value}) => [name, value]))},
    sources: Object.fromEntries(known.map(({name, source}) => [name, source])),
  };
}

const VARIABLES: Readonly<Record<string, keyof PodFacts>> = {
  KONTROL_IP: 'ip',
  KONTROL_LABELS: 'labels',
  KONTROL_ANNOTATIONS: 'annotations',
  KONTROL_NODE_LABELS: 'nodeLabels',
  KONTROL_NODE_ANNOTATIONS: 'nodeAnnotations',
  KONTROL_EIP: 'eip',
};

/**
 * The facts as the variables of docs/contract-2017.md#environment, for those that are not set to anything themselves.
 */
export function deriveVariables(
  facts: PodFacts,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const known = Object.entries(VARIABLES).flatMap(([variable, name]) => {
    const value = facts[name];
    if (value === undefined || (env[variable] ?? '').trim() !== '') return [];
    return [[variable, typeof value === 'string' ? value : JSON.stringify(value)]];
  });
  return Object.fromEntries(known);
}

/** The facts that variables tell. A value that is no JSON tells an empty map: reading the configuration refuses it. */
export function parseVariables(env: Readonly<Record<string, string | undefined>>): ToldFacts {
  const told = Object.entries(VARIABLES).flatMap(([variable, name]) => {
    const text = env[variable]?.trim() ?? '';
    if (text === '') return [];
    return [[name, typeof NOTHING[name] === 'object' ? parseMap(text) : text]];
  });
  return Object.fromEntries(told);
}

function parseMap(text: string): Labels {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Labels) : {};
  } catch {
    return {};
  }
}
