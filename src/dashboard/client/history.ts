import type {Mover, Pass} from '../../http/page-types.ts';
import {byId, el, reconcile, setText} from './dom.ts';
import {formatDuration, formatTime} from './format.ts';
import {markPasses} from './traffic.ts';

const MAX_SHOWN = 200;

let passes: readonly Pass[] = [];
let isFailedOnly = false;

const totalMs = ({phasesMs}: Pass): number => Object.values(phasesMs).reduce((sum, ms) => sum + ms, 0);

function movedText({joined, left, difference}: Pass): string {
  const [came, went] = [joined.pods.length + joined.more, left.pods.length + left.more];
  const pods = [...(came > 0 ? [`+${came}`] : []), ...(went > 0 ? [`-${went}`] : [])].join(' ');
  const lines = difference.added + difference.removed;
  return [pods === '' ? '' : `${pods} pods`, lines === 0 ? '' : `+${difference.added} -${difference.removed} lines`]
    .filter(text => text !== '')
    .join(', ');
}

function podList<P extends Mover>(
  title: string,
  {pods, more}: {pods: readonly P[]; more: number},
  note: (pod: P) => string,
) {
  if (pods.length === 0) return null;
  const items = pods.map(pod => el('li', {}, el('code', {}, pod.ip), ` ${pod.app} ${pod.id}${note(pod)}`));
  return el('div', {}, el('h4', {}, title), el('ul', {}, ...items, more > 0 && el('li', {}, `and ${more} more`)));
}

const TONES: Readonly<Record<string, string>> = {'+': 'added', '-': 'removed', '@': 'hunk'};

function differenceOf({difference, secretsChanged, pass}: Pass): HTMLElement {
  const link = el('a', {href: `config?pass=${pass}`}, 'whole configuration');
  if (secretsChanged) return el('p', {}, 'Only what is hidden changed. ', link);
  if (difference.text === '') {
    return el('p', {}, difference.tooLarge ? 'Too different to show. ' : 'The configuration did not change. ', link);
  }
  const lines = difference.text
    .trimEnd()
    .split('\n')
    .map(line => el('span', {class: TONES[line[0] ?? ''] ?? 'same'}, `${line}\n`));
  return el(
    'div',
    {},
    el('pre', {class: 'diff', role: 'region', tabindex: 0, 'aria-label': `Difference of pass ${pass}`}, ...lines),
    el('p', {}, difference.tooLarge ? 'Cut: it is longer. ' : '', link),
  );
}

function bodyOf(pass: Pass): HTMLElement {
  const phases = Object.entries(pass.phasesMs).map(([name, ms]) => `${name} ${formatDuration(ms)}`);
  return el(
    'div',
    {class: 'pass-body'},
    pass.error !== null && el('p', {class: 'error'}, pass.error),
    pass.error !== null && el('p', {}, `Cause: ${pass.cause}.`),
    el('p', {}, `Generation ${pass.generation}, ${pass.way}: ${pass.why}.`),
    phases.length > 0 && el('p', {}, `${phases.join(', ')}.`),
    podList('Joined', pass.joined, () => ''),
    podList('Left', pass.left, ({why}) => `: ${why}`),
    el('h4', {}, 'Configuration'),
    differenceOf(pass),
    pass.template !== null &&
      el(
        'button',
        {type: 'button', class: 'operator-only', 'data-rollback': pass.pass},
        `Roll back to the template of pass ${pass.pass}`,
      ),
  );
}

function createPass(pass: Pass): HTMLElement {
  const details = el(
    'details',
    {class: 'pass'},
    el(
      'summary',
      {},
      el('span', {class: 'number'}, `#${pass.pass}`),
      el('time', {datetime: new Date(pass.startedAt).toISOString()}, formatTime(pass.startedAt)),
      el('span', {class: 'badge', 'data-tone': pass.verdict}, pass.verdict),
      el('span', {class: 'cause', 'data-tone': pass.verdict}),
      el('span', {class: 'moved'}, movedText(pass)),
      el('span', {class: 'took'}, formatDuration(totalMs(pass))),
    ),
  );
  details.addEventListener('toggle', () => {
    if (details.open && details.childElementCount === 1) details.append(bodyOf(pass));
  });
  return el('li', {}, details);
}

/** Why it failed, and how often since; else why it was. */
function reasonOf({error, cause, retries}: Pass): string {
  if (error === null) return cause;
  const again =
    retries === undefined
      ? ''
      : ` (and ${retries.count === 1 ? 'once' : `${retries.count} times`} more, last ${formatTime(retries.lastAt)})`;
  return `${error}${again}`;
}

function draw(): void {
  const shown = isFailedOnly ? passes.filter(({verdict}) => verdict === 'failed') : passes;
  reconcile(
    byId('passes'),
    shown.map(pass => [`${pass.pass}/${pass.startedAt}`, pass] as const),
    createPass,
    (item, pass) => setText(item.querySelector('.cause') as Element, reasonOf(pass)),
  );
  setText(byId('passes-none'), shown.length > 0 ? '' : isFailedOnly ? 'No pass has failed.' : 'No pass yet.');
}

/** Takes the history as the server has it, the newest first. */
export function showHistory(all: readonly Pass[]): void {
  passes = all;
  markPasses(passes);
  draw();
}

/** The newest first. */
export const knownPasses = (): readonly Pass[] => passes;

/** Adds a pass that just ended. */
export function addPass(pass: Pass): void {
  passes = [pass, ...passes.filter(one => one.pass !== pass.pass)].slice(0, MAX_SHOWN);
  markPasses(passes);
  draw();
}

/** Wires the filter. */
export function startHistory(): void {
  byId('failed-only').addEventListener('change', event => {
    isFailedOnly = (event.target as HTMLInputElement).checked;
    draw();
  });
}
