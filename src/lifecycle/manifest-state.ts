import {isRecord, isStrings, type KeyCheck, withoutNulls, type YamlMapping} from './entry.ts';
import {type ActionName, BUILT_IN_ACTIONS, JOB_VERBS, type StateSpec, type StateStep} from './spec.ts';

const KEYS = ['tag', 'run', 'shell', 'next', 'force', 'timeout'];
/** What the control socket can name: a word. 2017 took any text. */
const TAG = /^[^\s\p{C}]{1,256}$/u;
const MAX_TIMEOUT_S = 86_400;

interface Context {
  readonly checkKeys: KeyCheck;
  readonly jobNames: readonly string[];
}

/** One entry of `states`. Refuses what is wrong by line and key. */
export function parseState(entry: YamlMapping, {checkKeys, jobNames}: Context): StateSpec {
  checkKeys(entry, KEYS, 'a state');
  const {tag, run, shell, next, force, timeout} = withoutNulls(entry.value);
  if (typeof tag !== 'string' || !TAG.test(tag)) {
    return entry.refuse('tag', 'expected 1-256 characters, none of them a blank (in quotes when it is a number)');
  }
  if (shell !== undefined && typeof shell !== 'string') return entry.refuse('shell', 'expected text');
  if (force !== undefined && typeof force !== 'boolean') return entry.refuse('force', 'expected true or false');
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout > 0 && timeout <= MAX_TIMEOUT_S)) {
    return entry.refuse('timeout', `expected a number of seconds, at most ${MAX_TIMEOUT_S}`);
  }
  const globs = typeof next === 'string' ? [next] : (next ?? []);
  if (!isStrings(globs)) return entry.refuse('next', 'expected a list of tags or globs');
  const steps = parseRun(entry, run ?? [], jobNames);
  return {
    tag,
    steps: shell === undefined ? steps : [...steps, {is: 'shell', block: shell}],
    next: globs,
    force: force ?? false,
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
  };
}

function parseRun(entry: YamlMapping, run: unknown, jobNames: readonly string[]): StateStep[] {
  if (!Array.isArray(run)) return entry.refuse('run', 'expected a list of built-in actions');
  const steps = run.map((item: unknown) => parseStep(entry, item, jobNames));
  const rendered = steps.findIndex(step => step.is === 'action' && step.name === 'render');
  const early = steps.find(
    (step, index) => step.is === 'action' && NEEDS_RENDER.includes(step.name) && (rendered === -1 || index < rendered),
  );
  if (early?.is === 'action') entry.refuse('run', `"${early.name}" needs "render" before it`);
  return steps;
}

const NEEDS_RENDER: readonly ActionName[] = ['validate', 'apply'];

function parseStep(entry: YamlMapping, item: unknown, jobNames: readonly string[]): StateStep {
  if (isRecord(item) && Object.keys(item).join() === 'shell' && typeof item.shell === 'string') {
    return {is: 'shell', block: item.shell};
  }
  const words = typeof item === 'string' ? item.trim().split(/\s+/) : [];
  const action = BUILT_IN_ACTIONS.find(name => name === words[0]);
  if (action !== undefined && words.length === 1) return {is: 'action', name: action};
  const verb = JOB_VERBS.find(name => name === words[0]);
  const job = words[1];
  if (verb === undefined || job === undefined || words.length > 2) {
    const known = [...BUILT_IN_ACTIONS, ...JOB_VERBS.map(name => `${name} JOB`)].join(', ');
    return entry.refuse('run', `${JSON.stringify(item)} is none of ${known}, {shell: BLOCK}`);
  }
  if (!jobNames.includes(job)) entry.refuse('run', `"${job}" is no job; there are ${jobNames.join(', ')}`);
  return {is: 'job', verb, job};
}
