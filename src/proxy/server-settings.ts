import {STEP, type Steps} from '../steps.ts';
import type {Row} from './answers.ts';
import type {Deviation} from './deviation.ts';
import {type ExpectedServers, isConfigured} from './drift.ts';

/** What servers were first seen with, by `backend/server`, and the options that the text had for them then. */
export type SeenSettings = ReadonlyMap<string, {readonly options: string; readonly settings: Settings}>;

/** In the order of `SETTINGS`, and the cookie; undefined where that is not known. */
type Settings = readonly (string | undefined)[];

const onOrOff = (isOn: boolean): string => (isOn ? 'on' : 'off');
const shown = (told: string | undefined): string | undefined => (told === '0' || told === '-' ? '' : told);

/** What only an operator changes while the text says the same: `set server`, or another server of that name. */
const SETTINGS: readonly (readonly [name: string, read: (row: Row) => string | undefined])[] = [
  ['checks', row => onOrOff(isConfigured(row.srv_check_state))],
  ['agent checks', row => onOrOff(isConfigured(row.srv_agent_state))],
  ['TLS', row => onOrOff(row.srv_use_ssl === '1')],
  ['check port', row => shown(row.srv_check_port)],
  ['check address', row => shown(row.srv_check_addr)],
  ['agent port', row => shown(row.srv_agent_port)],
  ['agent address', row => shown(row.srv_agent_addr)],
];

/**
 * Compares settings of servers with those that they were first seen with, in steps; `cookie` is read where the rows have
 * it. `seen` is for the next time.
 */
export function* compareSettings(
  {backends, names}: ExpectedServers,
  rows: readonly Row[],
  seen: SeenSettings,
): Steps<{readonly deviations: readonly Deviation[]; readonly seen: SeenSettings}> {
  const deviations: Deviation[] = [];
  const next = new Map(seen);
  for (const [index, row] of rows.entries()) {
    if (index % STEP === 0) yield;
    const {be_name: backend = '', srv_name: server = ''} = row;
    const expected = names === 'none' ? undefined : backends.get(backend)?.get(server);
    const {options} = expected ?? {options: ''};
    if (!backends.has(backend) || options === undefined) continue;
    // A cookie may be made of an address, which DNS may change.
    const cookie = expected?.resolves === 'nothing' ? row.cookie : undefined;
    const settings = [...SETTINGS.map(([, read]) => read(row)), cookie];
    const subject = `${backend}/${server}`;
    const was = next.get(subject);
    if (was?.options !== options) next.set(subject, {options, settings});
    else
      for (const [wanted, found] of findChanges(was.settings, settings))
        deviations.push({subject, backend, server, what: 'setting', expected: wanted, found});
  }
  return {deviations, seen: next};
}

/** `check port 80`, `no check port`. */
const inWords = (name: string, value: string): string => (value === '' ? `no ${name}` : `${name} ${value}`);

function findChanges(was: Settings, is: Settings): [expected: string, found: string][] {
  return is.flatMap((value, at): [string, string][] => {
    const before = was[at];
    if (value === undefined || before === undefined || value === before) return [];
    const name = SETTINGS[at]?.[0];
    if (name !== undefined) return [[inWords(name, before), inWords(name, value)]];
    return [['the cookie of its start', value === '' ? 'no cookie' : 'another cookie']];
  });
}
