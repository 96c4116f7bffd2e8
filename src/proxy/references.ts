import type {Outline} from './outline.ts';
import {optionValue} from './server-line.ts';

/** What else in a text depends on a server, found in one look: one for each server would take the square of their number. */
export interface References {
  /** Another server says `track` of it. */
  isTracked(backend: string, server: string): boolean;
  /** A `use-server` names it. */
  isReferred(server: string): boolean;
  /** Some backend has stick tables, which know servers by their number. */
  readonly sticks: boolean;
}

export function findReferences({backends, frame}: Outline): References {
  const tracked = new Set<string>();
  for (const {name, servers} of backends) {
    for (const {options} of servers) {
      const value = optionValue(options, 'track');
      // `backend/server`, or a server of the same backend.
      if (value !== undefined) tracked.add(value).add(`${name}/${value}`);
    }
  }
  const referred = new Set(frame.flatMap(({words: [first, second]}) => (first === 'use-server' ? [second] : [])));
  return {
    isTracked: (backend, server) => tracked.has(`${backend}/${server}`),
    isReferred: server => referred.has(server),
    sticks: backends.some(({keywords}) => keywords.has('stick') || keywords.has('stick-table')),
  };
}
