import {connect} from 'node:net';
import type {Server} from './templates.ts';

const TIMEOUT_MS = 3000;

/** Asks a running HAProxy over its runtime socket, as an operator would with socat. */
async function ask(socketPath: string, command: string): Promise<string> {
  const socket = connect({path: socketPath, signal: AbortSignal.timeout(TIMEOUT_MS)});
  socket.write(`${command}\n`);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

/** Bits of `srv_admin_state` (management.txt, "show servers state"): put into maintenance by a command, or by the text. */
const FORCED_MAINTENANCE = 1;
const WRITTEN_MAINTENANCE = 4;

/** No pod of a run has such an address. */
const SPARE = /^192\.0\.2\./;

/** Reads `show servers state`: the servers that take requests. Those in maintenance have been removed and only wait for their last connections, or are spare. */
export function parseServersState(text: string): Server[] {
  const lines = text.split('\n');
  const header = lines.find(line => line.startsWith('# '));
  if (header === undefined) throw new Error(`cannot read the state of servers: ${text.slice(0, 200)}`);
  const names = header.slice(2).trim().split(' ');
  const at = (fields: readonly string[], name: string): string => fields[names.indexOf(name)] ?? '';
  return lines
    .slice(lines.indexOf(header) + 1)
    .map(line => line.trim().split(' '))
    .filter(fields => fields.length >= names.length - 1)
    .filter(fields => {
      const off = FORCED_MAINTENANCE | (SPARE.test(at(fields, 'srv_addr')) ? WRITTEN_MAINTENANCE : 0);
      return (Number(at(fields, 'srv_admin_state')) & off) === 0;
    })
    .map(fields => ({
      backend: at(fields, 'be_name'),
      name: at(fields, 'srv_name'),
      ip: at(fields, 'srv_addr'),
      weight: Number(at(fields, 'srv_uweight')),
    }));
}

/** What HAProxy itself says it serves. */
export const loadView = async (socketPath: string): Promise<Server[]> =>
  parseServersState(await ask(socketPath, 'show servers state'));

/** HAProxy's PID, by its own word. */
export async function loadPid(socketPath: string): Promise<number> {
  return Number(/^Pid: (\d+)$/m.exec(await ask(socketPath, 'show info'))?.[1]);
}
