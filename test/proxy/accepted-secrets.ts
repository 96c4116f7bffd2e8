import {spawnSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {headOf, SECRET_LINES} from './secret-lines.ts';

/** HAProxy wants to listen somewhere. */
const BASE = 'frontend base\n  mode http\n  bind 127.0.0.1:65000\n';

const HTTP = ['defaults', 'frontend', 'backend'];

/** Names of its own for each line's section, and what makes it a whole one. */
const sectionFor = (section: string, index: number, line: string): string =>
  `${headOf(section).replace(/ s$/, ` s${index}`)}\n${HTTP.includes(section) ? '  mode http\n' : ''}  ${line}\n`;

/**
 * A text with every line of `SECRET_LINES` that this HAProxy takes, each with a mark of its own that begins with
 * `secret`. What it refuses alone is left out.
 */
export function acceptedSecrets(binary: string, folder: string, secret: string): string {
  const path = join(folder, 'accepted.cfg');
  const isAccepted = (text: string): boolean => {
    writeFileSync(path, `${BASE}${text}`);
    return spawnSync(binary, ['-c', '-f', path]).status === 0;
  };
  const candidates = Object.entries(SECRET_LINES).flatMap(([section, lines]) => lines.map(line => ({section, line})));
  const wholes = candidates.map(({section, line}, index) => {
    return sectionFor(section, index, line.replaceAll('§', `${secret}${index}`));
  });
  return wholes.filter(isAccepted).join('');
}
