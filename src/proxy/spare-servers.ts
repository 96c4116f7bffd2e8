import {STEP, type Steps} from '../steps.ts';
import {keywordOf} from './backend-keywords.ts';
import {type Line, parseLines} from './lines.ts';
import {parseOutline} from './outline.ts';
import {areSameWords, parseServerAddress} from './server-line.ts';
import {isSpareAddress} from './spare-address.ts';

/**
 * A configuration with spare servers, in maintenance, that take the pods to come on a HAProxy that cannot add servers; or
 * why there can be none.
 */
export type Spared =
  | {
      readonly is: 'spared';
      readonly text: string;
      /** `backend/server`. */
      readonly names: ReadonlySet<string>;
    }
  | {readonly is: 'none'; readonly why: string | undefined};

/** What a text would be with more pods, whose addresses and other marks are known. */
export interface WithMorePods {
  readonly text: string;
  readonly ips: ReadonlySet<string>;
  readonly marks: readonly string[];
}

const HOLDERS = new Set(['backend', 'listen']);

/**
 * Adds the servers of pods that are imagined to the text without them, in steps: `server` lines behind all others of
 * their backend must be all that the two texts differ in.
 */
export function* addSpareServers(text: string, more: WithMorePods): Steps<Spared> {
  const none = (why: string): Spared => ({is: 'none', why});
  const real = [...parseLines(text)];
  if (real.some(hasAgent)) return none('HAProxy asks the agents of servers in maintenance, too ("agent-check")');
  const persisting = real.find(isPersisting);
  if (persisting !== undefined)
    return none(`clients would be sent to servers in maintenance ("${keywordOf(textsOf(persisting))}")`);
  const peopled = Map.groupBy(real.filter(isServer), line => line.section.name);
  const lines = text.split('\n');
  const imaginedLines = more.text.split('\n');
  const offsets = offsetsOf(imaginedLines);
  const names = new Set<string>();
  const added = new Map<number, string[]>();
  let at = 0;
  /** The section whose servers the last added ones ended. */
  let ended: Line['section'] | undefined;
  for (const line of parseLines(more.text)) {
    if (line.number % STEP === 0) yield;
    const here = real[at];
    if (here !== undefined && isSameLine(here, line)) {
      at += 1;
      if (ended === line.section && isServer(line))
        return none(`servers of ${line.section.name} do not end with its pods`);
      continue;
    }
    const doubt = findDoubt(line, more);
    if (doubt !== undefined) return none(doubt);
    const others = peopled.get(line.section.name);
    // HAProxy counts a backend as down whose servers are all in maintenance, and as up when it has none.
    if (others === undefined) continue;
    const name = line.words[1]?.text;
    if (others.some(({words}) => words[1]?.text === name))
      return none(`another server of ${line.section.name} is called ${name}`);
    // HAProxy gives those without one what is left.
    if (hasId(line) && !others.every(hasId))
      return none(`servers of ${line.section.name} without an "id" would have another one`);
    ended = line.section;
    names.add(`${line.section.name}/${name}`);
    const spare = disabled(imaginedLines[line.number - 1] ?? '', line, offsets[line.number - 1] ?? 0);
    const above = real[at - 1]?.number ?? 0;
    added.set(above, [...(added.get(above) ?? []), spare]);
  }
  if (at < real.length) return none('a line goes when a pod comes');
  if (names.size === 0) return none('no server comes with a pod');
  return {
    is: 'spared',
    text: lines.flatMap((line, index) => [line, ...(added.get(index + 1) ?? [])]).join('\n'),
    names,
  };
}

function findDoubt({section, words}: Line, {ips, marks}: WithMorePods): string | undefined {
  const [first, name = '', written = '', ...options] = words.map(word => word.text);
  const address = parseServerAddress(written);
  if (!HOLDERS.has(section.kind) || first !== 'server' || address.is === 'other' || !ips.has(address.ip))
    return `more than servers changes with each pod in ${`${section.kind} ${section.name}`.trim()}`;
  const isMarked = [name, ...options].some(
    word => namesIp(word, address.ip) || marks.some(mark => word.includes(mark)),
  );
  return isMarked ? `what servers of ${section.name} are called or do depends on what only the pod says` : undefined;
}

/** In any spelling: `192-0-2-1`. */
const namesIp = (word: string, ip: string): boolean =>
  new RegExp(`(?<!\\d)${ip.split('.').join('\\D?')}(?!\\d)`).test(word);

const isServer = ({words: [first]}: Line): boolean => first?.text === 'server' || first?.text === 'server-template';

const hasId = ({words}: Line): boolean => words.some(({text}) => text === 'id');

/** Nothing may be sent to where nobody is. Checks rest in maintenance; agents do not (tried on 1.7.5 to 3.2). */
const hasAgent = ({words: [first, ...rest]}: Line): boolean =>
  /^(server|server-template|default-server)$/.test(first?.text ?? '') && rest.some(({text}) => text === 'agent-check');

/** Who has a server's cookie, or is stuck to it, goes there whatever its state. */
const isPersisting = (line: Line): boolean => PERSISTING.has(keywordOf(textsOf(line))) && line.words[0]?.text !== 'no';
const PERSISTING = new Set(['option persist', 'force-persist']);

/** What begins their sections was compared before. */
const isSameLine = (a: Line, b: Line): boolean => areSameWords(textsOf(a), textsOf(b));

const textsOf = ({words}: Line): string[] => words.map(word => word.text);

/** Behind its last word: a comment may follow. */
function disabled(line: string, {words}: Line, offset: number): string {
  const end = (words.at(-1)?.end ?? 0) - offset;
  return `${line.slice(0, end)} disabled`;
}

function offsetsOf(lines: readonly string[]): number[] {
  let offset = 0;
  return lines.map(line => {
    const start = offset;
    offset += line.length + 1;
    return start;
  });
}

/** The spare servers of a text that HAProxy reads: `backend/server`. */
export function* findSpares(text: string): Generator<string> {
  for (const {name, servers} of parseOutline(text).backends) {
    for (const {name: server, address, disabled} of servers)
      if (disabled && isSpareAddress(address)) yield `${name}/${server}`;
  }
}
