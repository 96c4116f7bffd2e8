import {parseFrameLines} from './lines.ts';

/** A line of the user's text that HAProxy is not shown: what it asks for would take HAProxy out of our hands. */
export interface IgnoredKeyword {
  readonly keyword: string;
  readonly line: number;
  readonly why: string;
  /** Where its first word starts in the text. */
  readonly start: number;
}

const PROXIES = new Set(['defaults', 'frontend', 'listen', 'backend']);

/**
 * - `master-worker` (1.8+): HAProxy would run its work in a child of its own, whatever `-db` says, and start others beside
 *   it. The daemon supervises the one process that it started.
 * - `grace` (in `global` since 2.4, in proxies before): told to finish, HAProxy would go on listening for that long, with
 *   yesterday's servers beside its successor.
 */
const REASONS: Readonly<Record<string, {readonly isHere: (kind: string) => boolean; readonly why: string}>> = {
  'master-worker': {
    isHere: kind => kind === 'global',
    why: 'the daemon itself runs and supervises HAProxy, as one process',
  },
  grace: {
    isHere: kind => kind === 'global' || PROXIES.has(kind),
    why: 'HAProxy is told to finish only when another serves in its place; KONTROL_LINGER is the delay before a stop',
  },
};

/** Those lines, in the order of the text. Source: configuration.txt 3.1, management.txt 3. */
export function findIgnoredKeywords(text: string): IgnoredKeyword[] {
  const found: IgnoredKeyword[] = [];
  for (const {section, words, number} of parseFrameLines(text)) {
    const [first] = words;
    const reason = first && (Object.hasOwn(REASONS, first.text) ? REASONS[first.text] : undefined);
    if (first === undefined || reason === undefined || !reason.isHere(section.kind)) continue;
    found.push({keyword: first.text, line: number, why: reason.why, start: first.start});
  }
  return found;
}

/** The text with those lines made comments. Every line keeps its number, so that HAProxy's messages name the user's. */
export function withoutIgnoredKeywords(text: string): string {
  let kept = '';
  let from = 0;
  for (const {start} of findIgnoredKeywords(text)) {
    kept += `${text.slice(from, start)}#`;
    from = start;
  }
  return kept + text.slice(from);
}
