import {pingSegments, pythonJson} from '../support/slave.ts';

/** What is wrong with a ping that no slave of ours sends. */
export type BadPing =
  | 'not json'
  | 'no app'
  | 'empty key'
  | 'path in key'
  | 'bad ip'
  | 'multicast ip'
  | 'loopback ip'
  | 'huge'
  | 'cut short'
  | 'zerorpc';

const GOOD = {app: 'web', id: 'web-x', ip: '10.77.1.200', key: 'bmviV', payload: '', role: 'frontend'};
const {app: _app, ...WITHOUT_APP} = GOOD;

const HUGE_CHARACTERS = 2 << 20;

const BODIES: Readonly<Record<Exclude<BadPing, 'cut short' | 'zerorpc'>, string>> = {
  'not json': '{"app": ',
  'no app': pythonJson(WITHOUT_APP),
  'empty key': pythonJson({...GOOD, key: ''}),
  'path in key': pythonJson({...GOOD, key: '../../x'}),
  'bad ip': pythonJson({...GOOD, ip: '10.77.1.300'}),
  'multicast ip': pythonJson({...GOOD, ip: '224.0.0.1'}),
  'loopback ip': pythonJson({...GOOD, ip: '127.0.0.1'}),
  huge: pythonJson({...GOOD, payload: 'x'.repeat(HUGE_CHARACTERS)}),
};

/** The greeting of ZMTP, in characters that are one byte in UTF-8 too. */
const GREETING = '\x00\x00\x00\x00ZMTP greeting\x00\x03';

/** The bytes of a bad ping. All of them get a 4xx, or no answer at all; none may change anything. */
export function badPingSegments(kind: BadPing, master: {readonly host: string; readonly port: number}): string[] {
  if (kind === 'zerorpc') return [GREETING];
  if (kind !== 'cut short') return pingSegments(BODIES[kind], master);
  const [head = '', body = ''] = pingSegments(pythonJson(GOOD), master);
  return [head, body.slice(0, 20)];
}
