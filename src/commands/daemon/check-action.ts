import {DaemonError} from '../../errors.ts';
import type {ActionResult, Actions, CheckAnswer} from '../../http/status-actions.ts';
import type {Examination} from '../../lifecycle/trial.ts';
import {createQueue} from '../../ports/queue.ts';
import {createHider} from '../../proxy/hide-secrets.ts';
import {derivePatch} from '../../proxy/patch.ts';
import {redactConfiguration} from '../../proxy/redact.ts';
import {secretsOfTemplate} from '../../proxy/template-secrets.ts';
import {decodeTemplate} from '../../template/utf8.ts';

export interface CheckActionPorts {
  /** What a template gives with today's pods, and what is to be said of it. */
  readonly examine: (template: string) => Promise<Examination>;
  /** The text that serves. */
  readonly served: () => string | undefined;
  readonly hideSecrets: (said: string) => string;
}

/** Each renders and runs a HAProxy, and a pass waits for one render at most: one goes at a time, the others wait. */
const MAX_CHECKS = 4;

/** A difference is for reading. */
const MAX_DIFFERENCE_CHARACTERS = 200_000;

const BUSY: ActionResult = {is: 'busy', reason: `${MAX_CHECKS} checks are under way; try again in a moment`};

/** Looks at a template that somebody wants to roll out. Applies nothing; what it answers hides secrets. */
export function createCheckAction({examine, served, hideSecrets}: CheckActionPorts): Actions['check'] {
  const checks = createQueue();
  let waiting = 0;

  const check = async (template: string): Promise<ActionResult> => {
    const {findings, text, foreseen} = await examine(template);
    const shown = text === undefined ? null : hideSecrets(redactConfiguration(text));
    const before = hideSecrets(redactConfiguration(served() ?? ''));
    const hideOwn = createHider(secretsOfTemplate(template));
    const answer: CheckAnswer = {
      works: findings.every(({level}) => level === 'warning'),
      findings: findings.map(one => ({
        ...one,
        line: one.line ?? null,
        column: one.column ?? null,
        message: hideSecrets(hideOwn(one.message)),
        detail: hideSecrets(hideOwn(one.detail)),
      })),
      way: foreseen?.way ?? null,
      why: foreseen?.why ?? null,
      difference: shown === null ? null : derivePatch(before, shown, MAX_DIFFERENCE_CHARACTERS),
      text: shown,
    };
    return {is: 'shown', answer: {...answer}};
  };

  return async bytes => {
    if (bytes.length === 0) return {is: 'malformed', reason: 'the template is empty: send it as the body'};
    if (waiting >= MAX_CHECKS) return BUSY;
    let template: string;
    try {
      template = decodeTemplate(bytes, 'cannot read the template', 'USAGE');
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      return {is: 'malformed', reason: error.message};
    }
    waiting += 1;
    try {
      return await checks.add(() => check(template));
    } finally {
      waiting -= 1;
    }
  };
}
