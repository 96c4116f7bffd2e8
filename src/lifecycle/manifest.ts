import {isMap, isScalar, LineCounter, type Node, parseDocument} from 'yaml';
import {DaemonError} from '../errors.ts';

/** What a state can do without a shell, in the order `run` names them. */
export const BUILT_IN_ACTIONS = ['render', 'validate', 'apply', 'drain'] as const;
export type ActionName = (typeof BUILT_IN_ACTIONS)[number];

export interface StateSpec {
  readonly tag: string;
  /** Built-in actions, before `shell`. */
  readonly run: readonly ActionName[];
  /** A block for `/bin/sh -c`. */
  readonly shell: string | undefined;
  /** Globs over tags: where a request may lead from here. The terminal state is always reachable. */
  readonly next: readonly string[];
  /** A running block of this state is never killed for a newer request. */
  readonly force: boolean;
}

/** `lifecycle.yml` as CONTRACT describes it, checked: `initial` and `terminal` name states, tags are unique. */
export interface Manifest {
  readonly initial: string;
  readonly terminal: string;
  readonly states: ReadonlyMap<string, StateSpec>;
}

/** The state that the daemon itself asks for when the configuration has to follow its inputs. */
export const CONFIGURE = 'configure';

const STATE_KEYS = ['tag', 'run', 'shell', 'next', 'force'];
const TAG = /^[0-9A-Za-z._-]{1,64}$/;

/**
 * Parses a manifest. Throws a `LIFECYCLE` error that names file, line and key for the first thing that is wrong.
 * `path` is only for messages.
 */
export function parseManifest(text: string, path: string): Manifest {
  const lines = new LineCounter();
  const document = parseDocument(text, {lineCounter: lines, prettyErrors: false});
  const lineOf = (offset: number | undefined): number => (offset === undefined ? 1 : lines.linePos(offset).line);
  const refuse = (offset: number | undefined, reason: string): never => {
    throw new DaemonError('LIFECYCLE', `cannot read ${path}: line ${lineOf(offset)}: ${reason}`);
  };
  const syntaxFault = document.errors[0];
  if (syntaxFault !== undefined) refuse(syntaxFault.pos[0], syntaxFault.message);
  const value: unknown = document.toJS();
  const offsetOf = (...keys: (string | number)[]): number | undefined => {
    const node = document.getIn(keys, true) as Node | undefined;
    return isScalar(node) || isMap(node) || node?.range ? node?.range?.[0] : undefined;
  };

  if (!isRecord(value)) return refuse(undefined, 'expected the keys initial, terminal and states');
  const given = value.states;
  if (!Array.isArray(given) || given.length === 0)
    return refuse(offsetOf('states'), 'states: expected a list of states');

  const states = new Map<string, StateSpec>();
  for (const [index, entry] of given.entries()) {
    const at = (key: string) => offsetOf('states', index, key) ?? offsetOf('states', index);
    if (!isRecord(entry)) return refuse(offsetOf('states', index), `states[${index}]: expected a state with a tag`);
    const unknownKey = Object.keys(entry).find(key => !STATE_KEYS.includes(key));
    if (unknownKey !== undefined)
      refuse(at(unknownKey), `${unknownKey}: no such key; a state has ${STATE_KEYS.join(', ')}`);
    const {tag, run = [], shell, next = [], force = false} = entry;
    if (typeof tag !== 'string' || !TAG.test(tag))
      return refuse(at('tag'), 'tag: expected 1-64 of letters, digits, . _ -');
    if (states.has(tag)) refuse(at('tag'), `tag: "${tag}" stands twice`);
    if (!isStrings(run)) return refuse(at('run'), 'run: expected a list of built-in actions');
    const unknownAction = run.find(name => !isAction(name));
    if (unknownAction !== undefined) {
      refuse(at('run'), `run: "${unknownAction}" is none of ${BUILT_IN_ACTIONS.join(', ')}`);
    }
    if (shell !== undefined && typeof shell !== 'string') return refuse(at('shell'), 'shell: expected text');
    if (!isStrings(next)) return refuse(at('next'), 'next: expected a list of tags or globs');
    if (typeof force !== 'boolean') return refuse(at('force'), 'force: expected true or false');
    states.set(tag, {tag, run: run.filter(isAction), shell, next, force});
  }
  const stateNamed = (key: 'initial' | 'terminal'): string => {
    const tag = value[key];
    if (typeof tag === 'string' && states.has(tag)) return tag;
    return refuse(offsetOf(key), `${key}: expected the tag of a state, one of ${[...states.keys()].join(', ')}`);
  };
  const manifest = {initial: stateNamed('initial'), terminal: stateNamed('terminal'), states};
  if (!states.has(CONFIGURE))
    refuse(offsetOf('states'), `states: there is no state "${CONFIGURE}", where changes are applied`);
  return manifest;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(entry => typeof entry === 'string');
const isAction = (name: string): name is ActionName => BUILT_IN_ACTIONS.some(action => action === name);
