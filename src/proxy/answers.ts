import {DaemonError} from '../errors.ts';
import {atOnce, STEP, type Steps} from '../steps.ts';
import {readCsv} from './csv.ts';

/** A row of an answer, by the names in its header. */
export type Row = Readonly<Record<string, string>>;

/** Rows of `show stat`, whose counters go on over reloads, and when they were asked for (monotonic ms). */
export interface Look {
  readonly atMs: number;
  readonly rows: readonly Row[];
}

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
  const row: Record<string, string> = {};
  for (const [index, name] of names.entries()) row[name] = fields[index] ?? '';
  return row;
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
export const parseStat = (text: string): Row[] => atOnce(readStat(text));

/** The same, in steps. */
export function* readStat(text: string): Steps<Row[]> {
  const {names, lines} = yield* readStatLines(text);
  const rows: Row[] = [];
  for (const [index, fields] of lines.entries()) {
    if (index % STEP === 0) yield;
    rows.push(rowOf('show stat', names, fields.slice(0, -1)));
  }
  return rows;
}

/** These fields alone of every row of `show stat`, as far as this HAProxy has them, in steps. */
export function* readStatFields(text: string, fields: readonly string[]): Steps<Row[]> {
  const {names, lines} = yield* readStatLines(text);
  const columns = fields.map(field => [field, names.indexOf(field)] as const).filter(([, index]) => index >= 0);
  const rows: Row[] = [];
  for (const [index, values] of lines.entries()) {
    if (index % STEP === 0) yield;
    rows.push(Object.fromEntries(columns.map(([field, column]) => [field, values[column] ?? ''])));
  }
  return rows;
}

/** The address of every server that `show stat` tells of (`10.0.0.1:80`, `unix`), by `backend/server`, in steps. */
export function* readStatAddresses(text: string): Steps<ReadonlyMap<string, string>> {
  const {names, lines} = yield* readStatLines(text);
  const [backend = -1, server = -1, address = -1] = ['pxname', 'svname', 'addr'].map(name => names.indexOf(name));
  const addresses = new Map<string, string>();
  for (const [index, fields] of lines.entries()) {
    if (index % STEP === 0) yield;
    addresses.set(`${fields[backend]}/${fields[server]}`, fields[address] ?? '');
  }
  return addresses;
}

/** Each line ends with a comma: an empty field more than there are names. */
function* readStatLines(text: string): Steps<{names: string[]; lines: string[][]}> {
  const [header, ...lines] = (yield* readCsv(text)) ?? [];
  if (header?.[0] !== '# pxname') throw malformed('show stat', 'it is not CSV with the header "# pxname,…"', text);
  return {names: ['pxname', ...header.slice(1, -1)], lines};
}

/** `show servers state`: a row for each server (`be_name`, `srv_name`, `srv_addr`, …); only format 1 is known. */
export const parseServersState = (text: string): Row[] => atOnce(readServersState(text));

/** The same, in steps; of the servers that are `wanted` alone (`backend/server`), where it says so. */
export function* readServersState(text: string, wanted?: ReadonlySet<string>): Steps<Row[]> {
  const [format, header, ...rows] = linesOf(text);
  if (format !== '1') throw malformed('show servers state', `format is ${shown(format ?? '')}, not "1"`, text);
  if (!header?.startsWith('# ')) throw malformed('show servers state', 'it has no header', text);
  const names = header.slice(2).trim().split(/\s+/);
  const [backend, server] = [names.indexOf('be_name'), names.indexOf('srv_name')];
  const isWanted = (line: string): boolean => {
    if (wanted === undefined) return true;
    const fields = line.split(' ', Math.max(backend, server) + 1);
    return wanted.has(`${fields[backend]}/${fields[server]}`);
  };
  const states: Row[] = [];
  for (const [index, line] of rows.entries()) {
    if (index % STEP === 0) yield;
    if (!isWanted(line)) continue;
    // One blank between two fields, and 1.7 tells no address of a UNIX socket: two blanks.
    states.push(rowOf('show servers state', names, line.trim().split(' ')));
  }
  return states;
}
