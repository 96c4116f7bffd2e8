import {type Address, parseAddress} from './address.ts';
import {type Environment, type Line, parseFrameLines, type Section} from './lines.ts';
import {expandVariables} from './variables.ts';
import type {Word} from './words.ts';

/** An address that HAProxy will listen on, and where the configuration says so. */
export type Bind = Address & {
  readonly section: Section;
  readonly line: number;
  /** The words after the address: `ssl`, `crt`, `v4v6`, … */
  readonly options: readonly string[];
};

export interface BindOptions {
  /** The environment HAProxy starts with; without it no variable is known. */
  readonly env?: Environment;
  /** The name HAProxy goes by among its peers (the host's, unless started with -L); `localpeer` in the text wins. */
  readonly localPeer?: string;
}

const LISTENING_SECTIONS = new Set(['listen', 'frontend', 'backend', 'peers', 'log-forward']);

/** Which word of a line, if any, is a list of addresses to listen on. */
function addressIndexOf({section, words}: Line, localPeer: string | undefined): number | undefined {
  const [first, second] = words.map(word => word.text);
  if (first === 'bind' && LISTENING_SECTIONS.has(section.kind)) return 1;
  if (section.kind === 'global' && first === 'stats' && second === 'socket') return 2;
  const isPeer = section.kind === 'peers' && (first === 'peer' || first === 'server');
  return isPeer && second === localPeer ? 2 : undefined;
}

/** A bind with its place among all of the text (from 0) and its address as it is written there. */
export type PlacedBind = Bind & {readonly place: number; readonly written: string};

/** A word of the text that lists addresses to listen on, comma-separated, and those addresses in order. */
export interface BindWord {
  readonly word: Word;
  readonly binds: readonly PlacedBind[];
}

/** The words that `parseBinds` reads, with their place in the text: for whoever writes something else there. */
export function* findBindWords(text: string, {env, localPeer}: BindOptions = {}): Generator<BindWord> {
  let peer = localPeer;
  let place = 0;
  for (const line of parseFrameLines(text, env)) {
    const {section, words, variables} = line;
    if (section.kind === 'global' && words[0]?.text === 'localpeer') peer = words[1]?.text;
    const index = addressIndexOf(line, peer);
    const word = index === undefined ? undefined : words[index];
    if (index === undefined || word === undefined) continue;
    const options = words.slice(index + 1).map(({text: option}) => option);
    // HAProxy expands variables in addresses outside quotes too.
    const addresses = expandVariables(word.text, variables).split(',');
    const binds = addresses
      .filter(address => address !== '')
      .map(written => ({...parseAddress(written), section, line: line.number, options, place: place++, written}));
    yield {word, binds};
  }
}

/**
 * Everything a configuration text makes HAProxy listen on, in the order of the text: `bind` lines, the local peer's own
 * address and `stats socket`s (section kind `global`). `bind` in a `backend` counts: HAProxy calls it ignored and
 * listens all the same (1.7 and 2.6). An address on the `listen` or `frontend` line does not: since 1.7 HAProxy takes
 * none there. Sections that say `disabled` are included. Never fails; see `unresolved` of Address.
 */
export const parseBinds = (text: string, options: BindOptions = {}): Bind[] =>
  [...findBindWords(text, options)].flatMap(({binds}) => binds.map(({place: _, written: __, ...bind}) => bind));

/** The TCP ports among `binds`, ascending, each once. */
export function tcpPorts(binds: readonly Bind[]): number[] {
  const ports = new Set<number>();
  for (const bind of binds) {
    if (bind.is !== 'tcp') continue;
    for (let port = bind.from; port <= bind.to; port += 1) ports.add(port);
  }
  return [...ports].sort((a, b) => a - b);
}
