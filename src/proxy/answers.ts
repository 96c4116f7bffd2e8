import {DaemonError} from '../errors.ts';
import {atOnce, STEP, type Steps} from '../steps.ts';
import {parseCsv} from './csv.ts';

/** A row of an answer, by the names in its header. */
export type Row = Readonly<Record<string, string>>;

const SHOWN_CHARACTERS = 80;

const malformed = (command: string, reason: string, detail: string): DaemonError =>
  new DaemonError('PROXY', `cannot parse answer to "${command}": ${reason}`, {detail});

const shown = (text: string): string => JSON.stringify(text.slice(0, SHOWN_CHARACTERS));

const linesOf = (text: string): string[] => text.split('\n').filter(line => line.trim() !== '');

function rowOf(command: string, names: readonly string[], fields: readonly string[]): Row {
  if (fields.length !== names.length) {
    const reason = `row ${shown(fields.join(' '))} has ${fields.length} fields, its header ${names.length}`;
    throw malformed(command, reason, names.join(' '));
  }
  return Object.fromEntries(names.map((name, index) => [name, fields[index] ?? '']));
}

/** `show info`: values by name (`Pid`, `Version`, `Uptime_sec`, …). Source: management.txt 9.3. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of linesOf(text)) {
    const [, name, value] = /^([^:]+): ?(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw malformed('show info', `line ${shown(line)} is not "name: value"`, text);
    }
    values.set(name, value);
  }
  if (!values.has('Pid')) throw malformed('show info', 'it names no Pid', text);
  return values;
}

/** `show stat`: a row for each frontend, server and backend (`pxname`, `svname`, `status`, …). Source: management.txt 9.1. */
export function parseStat(text: string): Row[] {
  const [header, ...rows] = parseCsv(text) ?? [];
  if (header?.[0] !== '# pxname') throw malformed('show stat', 'it is not CSV with the header "# pxname,…"', text);
  // Each line ends with a comma.
  const names = ['pxname', ...header.slice(1, -1)];
  return rows.map(fields => rowOf('show stat', names, fields.slice(0, -1)));
}

/** `show servers state`: a row for each server (`be_name`, `srv_name`, `srv_addr`, …); only format 1 is known. */
export const parseServersState = (text: string): Row[] => atOnce(readServersState(text));

/** The same, in steps. */
export function* readServersState(text: string): Steps<Row[]> {
  const [format, header, ...rows] = linesOf(text);
  if (format !== '1') throw malformed('show servers state', `format is ${shown(format ?? '')}, not "1"`, text);
  if (!header?.startsWith('# ')) throw malformed('show servers state', 'it has no header', text);
  const names = header.slice(2).trim().split(/\s+/);
  const states: Row[] = [];
  for (const [index, line] of rows.entries()) {
    if (index % STEP === 0) yield;
    states.push(rowOf('show servers state', names, line.trim().split(/\s+/)));
  }
  return states;
}
