import {parseLines} from './lines.ts';
import {isSameIp, parseServerAddress} from './server-line.ts';

const HOLDERS = new Set(['backend', 'listen']);
const WORD = ' disabled';

/**
 * The text with every server on one of these addresses `disabled`, as the last word of its line: HAProxy sends it
 * nobody. All other lines stay byte for byte as they were.
 */
export function disableServers(text: string, ips: readonly string[]): string {
  let changed = '';
  let from = 0;
  for (const {section, words} of parseLines(text)) {
    const [first, , written] = words;
    const last = words.at(-1);
    if (first?.text !== 'server' || written === undefined || last === undefined || !HOLDERS.has(section.kind)) continue;
    const address = parseServerAddress(written.text);
    if (address.is !== 'literal' || !ips.some(ip => isSameIp(ip, address.ip))) continue;
    changed += text.slice(from, last.end) + WORD;
    from = last.end;
  }
  return changed + text.slice(from);
}

/** Whether a text is `text` with some servers disabled in that way, or none. */
export function hasDisabledOf(text: string, disabled: string): boolean {
  const [lines, found] = [text.split('\n'), disabled.split('\n')];
  return lines.length === found.length && lines.every((line, at) => isOrIsDisabled(line, found[at] ?? ''));
}

function isOrIsDisabled(line: string, found: string): boolean {
  if (line === found) return true;
  if (found.length !== line.length + WORD.length) return false;
  return [...found.matchAll(/ disabled\b/g)].some(
    ({index}) => found.slice(0, index) + found.slice(index + WORD.length) === line,
  );
}
