import {readFileSync} from 'node:fs';

/** What HAProxy 1.7.5 itself wrote; recorded.cfg beside the recordings says how. */
export const recordingOf = (name: string): string =>
  readFileSync(new URL(`../fixtures/haproxy-1.7.5/${name}`, import.meta.url), 'utf8');
