import {isIP} from 'node:net';
import {STEP, type Steps} from '../steps.ts';

/** HAProxy reads lines of 64 words and 2,047 characters. */
const MAX_WORDS = 60;
const MAX_LINE_CHARACTERS = 1900;
const MAX_WEIGHT = 256;
const MAX_PORT = 65_535;

/** No quotes, no variables, no comments: what is written is what is read. */
const PLAIN_SERVER = /^\s*server(?:\s+[\w.:/[\]@%+,=()~-]+){2,}\s*$/;
const WITH_PORT = /^(?:([\d.]+)|\[([\da-fA-F:.]+)\]):(\d{1,5})$/;

/**
 * Whether a text is as valid as one that HAProxy has checked, which it must differ from by changes at run time: its lines
 * are the same but for addresses, ports, weights and states of servers, each of them a plain number or word that no check
 * could refuse. In steps.
 */
export function* keepsValidity(checked: string, text: string): Steps<boolean> {
  const before = checked.split('\n');
  const after = text.split('\n');
  if (before.length !== after.length) return false;
  for (const [index, line] of after.entries()) {
    if (index % STEP === 0) yield;
    const old = before[index] ?? '';
    if (line !== old && fixedWords(line)?.join(' ') !== (fixedWords(old)?.join(' ') ?? '')) return false;
  }
  return true;
}

/** The words of a `server` line that must stay as they are; undefined where a check may find fault with the others. */
function fixedWords(line: string): string[] | undefined {
  if (line.length > MAX_LINE_CHARACTERS || !PLAIN_SERVER.test(line)) return undefined;
  const [server = '', name = '', address = '', ...options] = line.trim().split(/\s+/);
  const [, ipv4 = '', ipv6 = '', port = ''] = WITH_PORT.exec(address) ?? [];
  if ((isIP(ipv4) !== 4 && isIP(ipv6) !== 6) || !isWithin(port, 1, MAX_PORT) || options.length + 3 > MAX_WORDS)
    return undefined;
  const words = [server, name];
  for (const [at, option] of options.entries()) {
    if (options[at - 1] === 'weight') {
      if (!isWithin(option, 0, MAX_WEIGHT)) return undefined;
      // Its opposite, `enabled`, came with HAProxy 1.8.
    } else if (option !== 'disabled') words.push(option);
  }
  if (options.at(-1) === 'weight') return undefined;
  return words;
}

const isWithin = (word: string, least: number, most: number): boolean =>
  /^\d{1,5}$/.test(word) && Number(word) >= least && Number(word) <= most;
