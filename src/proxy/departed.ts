import {parseLines} from './lines.ts';
import {isSameIp, parseServerAddress} from './server-line.ts';

const HOLDERS = new Set(['backend', 'listen']);

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
    changed += `${text.slice(from, last.end)} disabled`;
    from = last.end;
  }
  return changed + text.slice(from);
}

/** Whether a text is `text` with some servers disabled in that way, or none. */
export function hasDisabledOf(text: string, disabled: string): boolean {
  const [lines, found] = [text.split('\n'), disabled.split('\n')];
  return (
    lines.length === found.length && lines.every((line, at) => found[at] === line || found[at] === `${line} disabled`)
  );
}
