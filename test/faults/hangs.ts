import {hangingIn} from './scenario.ts';
import {type Outcome, openSession} from './trial.ts';

export const WAYS = ['transfer', 'migrate', 'inherit', 'syn-drop', 'classic', 'plain'] as const;
export type Way = (typeof WAYS)[number];

/** The steps of a pass, each by the effect that it begins with; `idle` has none. */
export const STEPS: Readonly<Record<string, string | undefined>> = {
  idle: undefined,
  'the candidate is written': 'create run/NEW.cfg',
  'it is validated': 'start haproxy -c',
  'it is valid': 'end of haproxy -c',
  'the new HAProxy starts': 'start haproxy',
  'proxy.cfg is replaced': 'rename into place proxy.cfg',
  'the old HAProxy is told to go': 'send SIGUSR1',
  'it finishes its connections': 'link haproxy.sock',
};

/** With `-sf` it is the new HAProxy that tells the old one. */
const NO_STEP = 'not our step: the new HAProxy tells it (`-sf`)';

export interface Hang {
  readonly step: string;
  readonly way: Way;
  readonly outcome: Outcome;
}

/** Has HAProxy hang at each step of a pass that reloads in this way, one after the other; throws when anything is not whole. */
export async function tryHangs(way: Way, steps: readonly string[], tell: (hang: Hang) => void): Promise<Hang[]> {
  const scenario = hangingIn(way);
  await using stage = await scenario.open();
  await using session = await openSession(scenario, stage);
  const hangs: Hang[] = [];
  for (const step of steps) {
    const hang = {step, way, outcome: (await session.hang(STEPS[step])) ?? NO_STEP};
    tell(hang);
    hangs.push(hang);
  }
  return hangs;
}

export const HANGS_TITLE = 'HAProxy hangs: stopped (SIGSTOP) as a step begins';

/** A line for each step, a column for each way. */
export function renderHangs(hangs: readonly Hang[]): string {
  const cellOf = (step: string, way: Way) => hangs.find(one => one.step === step && one.way === way)?.outcome ?? '';
  return [
    `## ${HANGS_TITLE}`,
    '',
    'Who came while it hung waited, or failed. In every case the new text served in the end, all clients from then on got their answers, and one HAProxy',
    'was left. `KONTROL_HANG` was 3 s.',
    '',
    `| step | ${WAYS.map(way => `\`${way}\``).join(' | ')} |`,
    `|---|${WAYS.map(() => '---|').join('')}`,
    ...Object.keys(STEPS).map(step => `| ${step} | ${WAYS.map(way => cellOf(step, way)).join(' | ')} |`),
    '',
  ].join('\n');
}
