import type {LiveStatus} from '../../http/status-types.ts';
import {byId, setText} from './dom.ts';

/** The token lives in this page's memory only: a reload forgets it. */
const token = (): string => byId<HTMLInputElement>('token').value;

async function ask(what: string, method: string, url: string, body?: object): Promise<void> {
  const outcome = byId('outcome');
  outcome.dataset.tone = 'plain';
  setText(outcome, `${what}...`);
  try {
    const answer = await fetch(url, {
      method,
      headers: {authorization: `Bearer ${token()}`, ...(body && {'content-type': 'application/json'})},
      ...(body && {body: JSON.stringify(body)}),
    });
    const {reason} = (await answer.json()) as {reason?: string};
    outcome.dataset.tone = answer.ok ? 'good' : 'bad';
    setText(outcome, answer.ok ? `${what}: done.` : `${what}: ${reason ?? answer.status}`);
  } catch (error) {
    outcome.dataset.tone = 'bad';
    setText(outcome, `${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
  // The button may be far from here: what came of it must be seen.
  outcome.scrollIntoView({block: 'nearest'});
}

/** What depends on the state: the release of a rollback, the log level. */
export function showOperator({rollback, logLevel}: LiveStatus): void {
  byId('release').hidden = rollback === null;
  const level = byId<HTMLSelectElement>('level');
  if (document.activeElement !== level) level.value = logLevel;
}

/** Wires the buttons; those that need the token appear once one is typed in. */
export function startOperator(): void {
  const update = () => document.body.classList.toggle('operator', token() !== '');
  byId('token').addEventListener('input', update);
  byId('operator-form').addEventListener('submit', event => event.preventDefault());
  byId('reconfigure').addEventListener('click', () => ask('Reconfigure', 'POST', 'reconfigure'));
  byId('release').addEventListener('click', () => ask('Release the rollback', 'POST', 'release'));
  byId('level').addEventListener('change', event => {
    const level = (event.target as HTMLSelectElement).value;
    void ask(`Log level ${level}`, 'PUT', 'log-level', {level});
  });
  byId('main').addEventListener('click', event => {
    const {rollback, act} = (event.target as HTMLElement).dataset;
    if (rollback === undefined && act === undefined) return;
    if (token() === '') {
      setText(byId('outcome'), 'That needs the token: type it in, then press the button again.');
      byId('token').focus();
      return;
    }
    if (act === 'reconfigure') void ask('Reconfigure', 'POST', 'reconfigure');
    else if (act === 'release') void ask('Release the rollback', 'POST', 'release');
    else if (confirm(`Use the template of pass ${rollback}, with today's hosts, until it is released?`)) {
      void ask(`Roll back to pass ${rollback}`, 'POST', `rollback?pass=${rollback}`);
    }
  });
  update();
}
