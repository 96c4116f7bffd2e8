import {isIP} from 'node:net';
import type {MasterAddress} from './config.ts';

export const MASTER_ANNOTATION = 'kontrol.unity3d.com/master';

const ENTRY = /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<name>[0-9A-Za-z._-]+))(?::(?<port>\d{1,5}))?$/;

/** `host`, `host:port`, `[v6]` and `[v6]:port`, comma-separated; `refused` is what is none of these. */
export function parseMasters(
  annotation: string,
  defaultPort: number,
): {readonly masters: readonly MasterAddress[]; readonly refused: readonly string[]} {
  const masters: MasterAddress[] = [];
  const refused: string[] = [];
  for (const entry of annotation.split(',').map(text => text.trim())) {
    if (entry === '') continue;
    const {v6, name, port = defaultPort} = ENTRY.exec(entry)?.groups ?? {};
    const host = isIP(entry) === 6 ? entry : (v6 ?? name);
    if (host === undefined || Number(port) > 65_535) refused.push(entry);
    else masters.push({host, port: Number(port)});
  }
  return {masters, refused};
}
