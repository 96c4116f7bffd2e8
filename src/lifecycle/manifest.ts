import type {JobSpec} from '../jobs/spec.ts';
import {type KeyCheck, parseEntry, type YamlMapping} from './entry.ts';
import {HAPROXY_JOB, parseJob, TELEGRAF_JOB} from './manifest-job.ts';
import {parseState} from './manifest-state.ts';
import type {Manifest, StateSpec} from './spec.ts';

/** The state that the daemon itself asks for when the configuration has to follow its inputs. */
export const CONFIGURE = 'configure';

const KEYS = ['initial', 'terminal', 'states', 'jobs'];

/**
 * Parses a manifest. Throws a `LIFECYCLE` error that names file, line and key for the first thing that is wrong. One
 * that uses nothing newer than 2017 loads as it did then: keys that nobody knows are warnings there, refused elsewhere.
 */
export function parseManifest(text: string, path: string): Manifest {
  const root = parseEntry(text, path);
  const given = root.value.states;
  if (!Array.isArray(given) || given.length === 0) return root.refuse('states', 'expected a list of states');
  const stateEntries = root.list('states', 'state');
  const isOld =
    root.value.jobs === undefined && stateEntries.every(({value}) => !('run' in value || 'timeout' in value));

  const warnings: string[] = [];
  const checkKeys = (entry: YamlMapping, known: readonly string[], what: string): void => {
    for (const key of Object.keys(entry.value).filter(name => !known.includes(name))) {
      const reason = `no such key; ${what} has ${known.join(', ')}`;
      if (!isOld) entry.refuse(key, reason);
      warnings.push(entry.describe(key, `${reason}: ignored`));
    }
  };
  checkKeys(root, KEYS, 'a manifest');

  const jobs = root.value.jobs === undefined ? [TELEGRAF_JOB] : parseJobs(root, checkKeys);
  const jobNames = [HAPROXY_JOB, ...jobs.map(({name}) => name)];
  const states = new Map<string, StateSpec>();
  for (const entry of stateEntries) {
    const state = parseState(entry, {checkKeys, jobNames});
    if (states.has(state.tag)) entry.refuse('tag', `"${state.tag}" stands twice`);
    if (state.tag === CONFIGURE && state.steps.length === 0)
      entry.refuse('tag', `"${CONFIGURE}" does nothing: write run: [render, validate, apply]`);
    states.set(state.tag, state);
  }
  if (!states.has(CONFIGURE)) root.refuse('states', `there is no state "${CONFIGURE}", where changes are applied`);

  const stateNamed = (key: 'initial' | 'terminal'): string => {
    const tag = root.value[key];
    if (typeof tag === 'string' && states.has(tag)) return tag;
    return root.refuse(key, `expected the tag of a state, one of ${[...states.keys()].join(', ')}`);
  };
  return {initial: stateNamed('initial'), terminal: stateNamed('terminal'), states, jobs, warnings, isOf2017: isOld};
}

function parseJobs(root: YamlMapping, checkKeys: KeyCheck): JobSpec[] {
  const jobs = new Map<string, JobSpec>();
  for (const entry of root.list('jobs', 'job')) {
    const job = parseJob(entry, checkKeys);
    if (jobs.has(job.name)) entry.refuse('name', `"${job.name}" stands twice`);
    jobs.set(job.name, job);
  }
  return [...jobs.values()];
}
