import {createHash} from 'node:crypto';
import {parseFrameLines} from './lines.ts';

/** A list of an ACL, or a map, as `show acl` and `show map` tell of it. */
export interface PatternList {
  /** `acl #0`, `map /etc/hosts.map`. */
  readonly name: string;
  /** What "show" takes for its entries: `map #5`. */
  readonly reference: string;
  /** How many entries it has; undefined before HAProxy 2.4. */
  readonly count: number | undefined;
  /** Of entries that were replaced as a whole ("commit map"); 0 at the start. */
  readonly version: string;
}

/** How a list stands. */
export interface ListView extends Pick<PatternList, 'count' | 'version'> {
  /** What its entries and their values come to; undefined where they are not looked at. */
  readonly digest: string | undefined;
}

/** `5 (/m.map) pattern loaded …`; from 2.4 on `… curr_ver=0 next_ver=0 entry_cnt=1`. */
const LIST = /^(\d+) \((.*?)\) .*?(?:\bcurr_ver=(\d+) .*\bentry_cnt=(\d+))?$/;

export const parsePatternLists = (kind: 'acl' | 'map', answer: string): PatternList[] =>
  answer.split('\n').flatMap(line => {
    const [, number, file, version = '0', count] = LIST.exec(line) ?? [];
    if (number === undefined) return [];
    const reference = `${kind} #${number}`;
    return [{name: file ? `${kind} ${file}` : reference, reference, version, count: count ? Number(count) : undefined}];
  });

/** HAProxy 1.7 reads a command line of up to 16 KiB. */
const MAX_READ = 500;
const MAX_ENTRIES = 10_000;

/** Those whose entries are few enough to be looked at time and again. */
export function findReadable(lists: readonly PatternList[]): PatternList[] {
  const readable: PatternList[] = [];
  let entries = 0;
  for (const list of lists) {
    const {count = 0} = list;
    if (readable.length === MAX_READ || entries + count > MAX_ENTRIES) continue;
    entries += count;
    readable.push(list);
  }
  return readable;
}

export const entriesCommand = (lists: readonly PatternList[]): string =>
  lists.map(({reference}) => `show ${reference}`).join('; ');

/**
 * What the entries of each of so many lists come to, in the order of the commands: answers end with a blank line. The
 * address in front of each entry (`0x55ca8cd3e9a0 /key value`), and their order, say nothing.
 */
export function digestEntries(answer: string, count: number): string[] {
  const lists = Array.from({length: count}, (): string[] => []);
  let at = 0;
  for (const line of answer.split('\n')) {
    if (line === '') at += 1;
    else lists[at]?.push(line.replace(/^0x[\da-f]+ /, ''));
  }
  return lists.map(entries => createHash('sha256').update(entries.sort().join('\n')).digest('base64'));
}

/** Requests themselves change entries where a rule says so, and a script may. */
const CHANGES_LISTS = /^(?:(?:add|del)-acl|(?:set|add|del)-map)\(/;

/** Whether only operators change the entries of ACLs and maps under this text. */
export function keepsLists(text: string): boolean {
  for (const {words} of parseFrameLines(text)) {
    if (words[0]?.text.startsWith('lua-load') || words.some(word => CHANGES_LISTS.test(word.text))) return false;
  }
  return true;
}
