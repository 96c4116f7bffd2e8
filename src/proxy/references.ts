import type {Outline} from './outline.ts';
import {optionValue} from './server-line.ts';

/** What else in a text depends on a server, found in one look: one for each server would take the square of their number. */
export interface References {
  /** Another server says `track` of it. */
  isTracked(backend: string, server: string): boolean;
  /** A `use-server`, a condition or a rule names it. */
  isReferred(backend: string, server: string): boolean;
  /** A `use-server` finds out the name for each request. */
  readonly namesComputed: boolean;
  /** Some backend has stick tables, which know servers by their number. */
  readonly sticks: boolean;
  /** Something asks for the number of a server (`srv_id`). */
  readonly asksNumbers: boolean;
  /** Something asks for the weight that a server started with (`srv_iweight`). */
  readonly asksFirstWeights: boolean;
  /** Something asks whether servers are up. */
  readonly asksHealth: boolean;
  /** A `filter spoe` keeps connections to the servers of a TCP backend, which its own file names. */
  readonly hasAgents: boolean;
}

/** `srv_is_up(web/web-1)`, `srv_id(web-1)`: what a sample is asked of. */
const ARGUMENTS = /\(([^()]*)\)/g;
const ASKS_NUMBER = /\bsrv_id\b/;
const ASKS_FIRST_WEIGHT = /\bsrv_iweight\b/;
const ASKS_HEALTH = /\b(nbsrv|srv_is_up|connslots|be_conn_free|avg_queue)\b/;

export function findReferences({backends, frame}: Outline): References {
  const tracked = new Set<string>();
  for (const {name, servers} of backends) {
    for (const {options} of servers) {
      const value = optionValue(options, 'track');
      // `backend/server`, or a server of the same backend.
      if (value !== undefined) tracked.add(value).add(`${name}/${value}`);
    }
  }
  const referred = new Set<string>();
  let namesComputed = false;
  let sticks = false;
  let asksNumbers = false;
  let asksFirstWeights = false;
  let asksHealth = false;
  let hasAgents = false;
  for (const {words} of frame) {
    const [first, second = ''] = words;
    if (first === 'use-server') {
      referred.add(second);
      namesComputed ||= second.includes('%');
    }
    sticks ||= first === 'stick';
    hasAgents ||= first === 'filter' && second === 'spoe';
    for (const word of words) {
      asksNumbers ||= ASKS_NUMBER.test(word);
      asksFirstWeights ||= ASKS_FIRST_WEIGHT.test(word);
      asksHealth ||= ASKS_HEALTH.test(word);
      if (!word.includes('(')) continue;
      for (const [, inner = ''] of word.matchAll(ARGUMENTS)) {
        for (const argument of inner.split(',')) referred.add(argument.trim());
      }
    }
  }
  return {
    isTracked: (backend, server) => tracked.has(`${backend}/${server}`),
    isReferred: (backend, server) => referred.has(server) || referred.has(`${backend}/${server}`),
    namesComputed,
    sticks,
    asksNumbers,
    asksFirstWeights,
    asksHealth,
    hasAgents,
  };
}
