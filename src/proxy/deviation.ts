/**
 * What of the HAProxy that runs is not as its text says it: somebody told HAProxy otherwise over a runtime socket, or it
 * did not do what it was told. `missing`: the text has a server and HAProxy does not; `unexpected`: the reverse.
 */
export interface Deviation {
  /** `web/a`, `frontend www`, `HAProxy`, `map /etc/hosts.map`. */
  readonly subject: string;
  /** Of a server, else empty. */
  readonly backend: string;
  readonly server: string;
  readonly what:
    | 'address'
    | 'port'
    | 'weight'
    | 'state'
    | 'health'
    | 'checks'
    | 'agent'
    | 'setting'
    | 'maxconn'
    | 'missing'
    | 'unexpected'
    | 'limit'
    | 'entries'
    | 'content';
  /** `10.0.0.1`, `80`, `1`; `ready` or `maint`; `present` or `absent`; `on`. */
  readonly expected: string;
  /** The same, and `drain`, `down`, `stopped`, `off`. */
  readonly found: string;
}

export const deviationOf = (subject: string, what: Deviation['what'], expected: string, found: string): Deviation => ({
  subject,
  backend: '',
  server: '',
  what,
  expected,
  found,
});

const STATES: Readonly<Record<string, string>> = {
  ready: 'ready',
  drain: 'draining',
  maint: 'in maintenance',
  open: 'listening',
};

/** For people: `web/a is at 10.0.0.2, not 10.0.0.1`. */
export function describeDeviation({subject, what, expected, found}: Deviation): string {
  switch (what) {
    case 'address':
      return `${subject} is at ${found}, not ${expected}`;
    case 'port':
      return `${subject} is at port ${found}, not ${expected}`;
    case 'weight':
      return `${subject} has weight ${found}, not ${expected}`;
    case 'state':
      return `${subject} is ${STATES[found] ?? found}, not ${STATES[expected] ?? expected}`;
    case 'health':
      return `${subject} is ${found}, though nothing checks it`;
    case 'checks':
      return `${subject} is not checked any more`;
    case 'agent':
      return `${subject}: its agent is not asked any more`;
    case 'setting':
      return `${subject} has ${found}, not ${expected}`;
    case 'maxconn':
      return `${subject} has maxconn ${found}, not ${expected}`;
    case 'limit':
      return `${subject} is ${found}, not ${expected}`;
    case 'entries':
      return `${subject} has ${found}, not the ${expected} that it started with`;
    case 'content':
      return `${subject} has changed since HAProxy read it`;
    case 'missing':
      return `HAProxy has no server ${subject}`;
    case 'unexpected':
      return `HAProxy has a server ${subject} that the configuration does not name`;
  }
}
