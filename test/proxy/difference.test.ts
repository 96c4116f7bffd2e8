import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveDifference} from '../../src/proxy/difference.ts';
import {deriveCommands} from '../../src/proxy/server-commands.ts';
import type {Release} from '../../src/proxy/version.ts';

const FRONT = 'frontend f\n  bind *:80\n  default_backend b\n';
const text = (servers: string, settings = '') => `${FRONT}backend b\n${settings}${servers}`;

/** What is compared: the commands, one line a change, or `reload:` and the reason. */
function show(before: string, after: string, release: Release): string[] {
  const difference = deriveDifference(before, after, {release});
  if (difference.is === 'reload') return [`reload: ${difference.why}`];
  return difference.changes.map(change => deriveCommands(change).join('; '));
}

interface Case {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  /** With HAProxy 1.7. */
  readonly is: readonly string[];
  /** With 2.6, where that differs. */
  readonly since26?: readonly string[];
}

const S1 = '  server s1 10.0.0.1:80\n';
const S2 = '  server s2 10.0.0.2:80\n';
const S3 = '  server s3 10.0.0.3:80\n';
const S4 = '  server s4 10.0.0.4:80\n';
const BACKUPS = `${S1}  server s2 10.0.0.2:80 backup\n  server s3 10.0.0.3:80 backup\n`;
const ANOTHER_BACKUP = 'reload: b: the first of its backup servers is used, and another would be';
const CHECKED = '  server s1 10.0.0.1:80 check\n  server s2 10.0.0.2:80 check\n';
const movedOf = (servers: string) => servers.replace('10.0.0.1', '10.0.0.9');
/** What a start makes of options that are absent. */
const STARTS = ' pool-max-conn -1 pool-purge-delay 5s';
const ADD_S2 = `add server b/s2 10.0.0.2:80${STARTS}; set server b/s2 state ready`;
const DELETE_S2 = 'set server b/s2 state maint; del server b/s2';
const COMES = ['reload: b: servers come and go'];
const MOVE = ['set server b/s1 addr 10.0.0.9'];
const FRESH = [
  'set server b/s1 state maint; set server b/s1 addr 10.0.0.9; enable health b/s1; set server b/s1 state ready',
];

const KEPT =
  'reload: b: keep-alive connections to the former address may go on to be used ("option http-server-close" closes them)';

const moved = (name: string, servers: string, is: readonly string[], settings = ''): Case => ({
  name,
  before: text(servers, settings),
  after: text(movedOf(servers), settings),
  is,
});

const CASES: readonly Case[] = [
  {name: 'equal', before: text(S1), after: text(S1), is: []},
  {name: 'a comment', before: text(S1), after: text(`# new\n${S1}`), is: []},
  {name: 'blank lines and indentation', before: text(S1), after: text(`\n\t${S1.trim()}   # same\n`), is: []},
  {name: 'quotes around a word', before: text(S1), after: text('  server "s1" 10.0.0.1:80\n'), is: []},
  {
    name: 'another spelling of an IPv6 address',
    before: text('  server s1 [::1]:80\n'),
    after: text('  server s1 [0:0::1]:80\n'),
    is: [],
  },
  {
    name: 'IPv6 with and without brackets',
    before: text('  server s1 [fd00::1]:80\n'),
    after: text('  server s1 fd00::1:80\n'),
    is: [],
  },
  {name: 'a prefix that says nothing new', before: text(S1), after: text('  server s1 ipv4@10.0.0.1:80\n'), is: []},
  {name: 'an explicit default weight', before: text(S1), after: text('  server s1 10.0.0.1:80 weight 1\n'), is: []},
  {name: '"enabled" said', before: text(S1), after: text('  server s1 10.0.0.1:80 enabled\n'), is: []},
  {name: 'order of servers, roundrobin', before: text(S1 + S2), after: text(S2 + S1), is: []},
  {
    name: 'order of servers, leastconn',
    before: text(S1 + S2, '  balance leastconn\n'),
    after: text(S2 + S1, '  balance leastconn\n'),
    is: [],
  },

  moved('address', S1, MOVE),
  moved('address, checked', CHECKED, FRESH),
  moved('address, checked by default-server', S1 + S2, FRESH, '  default-server inter 5s check\n'),
  moved('address, no-check after check', '  server s1 10.0.0.1:80 check no-check\n', MOVE),
  moved('address, checked, the only server -> stays in', '  server s1 10.0.0.1:80 check\n', [
    'set server b/s1 addr 10.0.0.9; enable health b/s1; set server b/s1 health up',
  ]),
  moved(
    'address, checked, the only one that is enabled',
    '  server s1 10.0.0.1:80 check\n  server s2 10.0.0.2:80 disabled\n',
    ['set server b/s1 addr 10.0.0.9; enable health b/s1; set server b/s1 health up'],
  ),
  moved(
    'address, checked, the other has weight 0',
    '  server s1 10.0.0.1:80 check\n  server s2 10.0.0.2:80 weight 0\n',
    ['set server b/s1 addr 10.0.0.9; enable health b/s1; set server b/s1 health up'],
  ),
  moved('address, checked and disabled', '  server s1 10.0.0.1:80 check disabled\n', MOVE),
  moved(
    'address, options as in http.j2',
    '  server s1 10.0.0.1:80 check on-error mark-down observe layer7 error-limit 1\n  server s2 10.0.0.2:80\n',
    FRESH,
  ),
  moved('address with a cookie', '  server s1 10.0.0.1:80 cookie s1\n', MOVE, '  cookie SRV insert\n'),
  moved('address, balance source', S1 + S2, MOVE, '  balance source\n'),
  moved('address, balance uri consistent', S1 + S2, MOVE, '  balance uri\n  hash-type consistent\n'),
  moved('address, static-rr', S1, MOVE, '  balance static-rr\n'),
  moved('address, stick table', S1, MOVE, '  stick-table type ip size 1k\n  stick on src\n'),
  moved('address, backup', '  server s1 10.0.0.1:80 backup\n', MOVE),
  moved('address, explicit id', '  server s1 10.0.0.1:80 id 7\n', MOVE),
  {
    ...moved('address, check address of its own', `  server s1 10.0.0.1:80 check addr 10.9.9.9 port 1\n${S2}`, [
      'reload: b/s1: "addr": before HAProxy 2.6 its checks may go to the new address',
    ]),
    since26: FRESH,
  },
  moved('address, checked each minute', `  server s1 10.0.0.1:80 check inter 1m\n${S2}`, [
    'reload: b/s1: "inter": a server that leaves maintenance would serve for as long as that before its next check',
  ]),
  moved('address, checked, downinter', `  server s1 10.0.0.1:80 check downinter 30s\n${S2}`, [
    'reload: b/s1: "downinter": a server that leaves maintenance would serve for as long as that before its first check',
  ]),
  moved('address, no port written', '  server s1 10.0.0.1\n', MOVE),
  moved('address, port mapped', '  server s1 10.0.0.1:+10\n', MOVE),
  moved('address, source', '  server s1 10.0.0.1:80 source 10.1.1.1\n', MOVE),
  moved('address, on-marked-down', '  server s1 10.0.0.1:80 check on-marked-down shutdown-sessions\n', [
    'reload: b/s1: "on-marked-down": going down would end its sessions',
  ]),
  moved(
    'address, checked, on-marked-up by default',
    CHECKED,
    ['reload: b/s1: "on-marked-up": coming up would end the sessions of backup servers'],
    '  default-server on-marked-up shutdown-backup-sessions\n',
  ),
  moved('address, agent-check', '  server s1 10.0.0.1:80 agent-check agent-port 1\n', [
    'reload: b/s1: "agent-check": what the agent said of the server would be lost or kept',
  ]),
  moved('address, track', '  server s1 10.0.0.1:80 track c/x\n', [
    'reload: b/s1: "track": the tracked server decides whether it is up',
  ]),
  moved('address, tracked by another', '  server s1 10.0.0.1:80 check\n  server s2 10.0.0.2:80 track b/s1\n', [
    'reload: b/s1: another server tracks it',
  ]),
  moved('address, tracked by its short name', '  server s1 10.0.0.1:80 check\n  server s2 10.0.0.2:80 track s1\n', [
    'reload: b/s1: another server tracks it',
  ]),
  moved(
    'address, dynamic cookies',
    S1,
    ['reload: b: "cookie dynamic": its cookies are made from addresses'],
    '  cookie S insert dynamic\n  dynamic-cookie-key x\n',
  ),
  moved(
    'address, the client is told by "source"',
    S1,
    ['reload: b: "source usesrc": its connections carry the address of a client'],
    '  source 0.0.0.0 usesrc clientip\n',
  ),
  moved(
    'address, states from a file of its own',
    S1,
    ['reload: b: "load-server-state-from-file local": a start takes weights and states from its file'],
    '  load-server-state-from-file local\n',
  ),
  moved('address, states from a file for all', S1, MOVE, '  load-server-state-from-file global\n'),
  moved(
    'address, hash-key',
    S1,
    ['reload: b: "hash-key" is not known to be safe with changes at run time'],
    '  hash-key addr\n',
  ),
  moved(
    'address under a condition',
    S1,
    ['reload: b: ".if" is not known to be safe with changes at run time'],
    '  .if defined(X)\n  retries 3\n  .endif\n',
  ),
  {
    name: 'all addresses shift by one, names stay',
    before: text(S1 + S2),
    after: text('  server s1 10.0.0.2:80\n  server s2 10.0.0.3:80\n'),
    is: ['set server b/s1 addr 10.0.0.2', 'set server b/s2 addr 10.0.0.3'],
  },
  {
    name: 'IPv4 to IPv6',
    before: text(S1),
    after: text('  server s1 [fd00::1]:80\n'),
    is: ['set server b/s1 addr fd00::1'],
  },
  {
    name: 'IPv4 to IPv6 with a source',
    before: text('  server s1 10.0.0.1:80 source 10.1.1.1\n'),
    after: text('  server s1 [fd00::1]:80 source 10.1.1.1\n'),
    is: ['reload: b/s1: "source" is of another family'],
  },
  {
    name: 'a name instead of an IP',
    before: text(S1),
    after: text('  server s1 web.local:80\n'),
    is: ['reload: b/s1: its address is not an IP'],
  },
  {
    name: 'another name',
    before: text('  server s1 a.local:80\n'),
    after: text('  server s1 b.local:80\n'),
    is: ['reload: b/s1: its address is not an IP'],
  },
  {
    name: 'a UNIX socket',
    before: text(S1),
    after: text('  server s1 unix@/run/s.sock\n'),
    is: ['reload: b/s1: its address is not an IP'],
  },
  {
    name: 'a variable',
    before: text(S1),
    after: text('  server s1 "$HOST:80"\n'),
    is: ['reload: b/s1: its address is not an IP'],
  },

  {
    name: 'port',
    before: text(S1),
    after: text('  server s1 10.0.0.1:81\n'),
    is: ['set server b/s1 addr 10.0.0.1 port 81'],
  },
  {
    name: 'address and port',
    before: text(S1),
    after: text('  server s1 10.0.0.9:81\n'),
    is: ['set server b/s1 addr 10.0.0.9 port 81'],
  },
  {
    name: 'port becomes mapped',
    before: text(S1),
    after: text('  server s1 10.0.0.1:+1\n'),
    is: ["reload: b/s1: its port comes from the client's"],
  },
  {
    name: 'mapped port becomes plain',
    before: text('  server s1 10.0.0.1\n'),
    after: text(S1),
    is: ["reload: b/s1: its port comes from the client's"],
  },

  {
    name: 'weight',
    before: text(S1),
    after: text('  server s1 10.0.0.1:80 weight 5\n'),
    is: ['set server b/s1 weight 5'],
  },
  {
    name: 'weight back to the default',
    before: text('  server s1 10.0.0.1:80 weight 5\n'),
    after: text(S1),
    is: ['set server b/s1 weight 1'],
  },
  {
    name: "weight back to default-server's",
    before: text('  server s1 10.0.0.1:80 weight 5\n', '  default-server weight 9\n'),
    after: text(S1, '  default-server weight 9\n'),
    is: ['set server b/s1 weight 9'],
  },
  {
    name: 'weight 0',
    before: text(S1),
    after: text('  server s1 10.0.0.1:80 weight 0\n'),
    is: ['set server b/s1 weight 0'],
  },
  {
    name: 'weight out of bounds',
    before: text(S1),
    after: text('  server s1 10.0.0.1:80 weight 257\n'),
    is: ['reload: b/s1: its weight is not a number up to 256'],
  },
  {
    name: 'weight, static-rr',
    before: text(S1, '  balance static-rr\n'),
    after: text('  server s1 10.0.0.1:80 weight 5\n', '  balance static-rr\n'),
    is: ['reload: b: balance static-rr takes no new weights at run time'],
  },
  {
    name: 'weight, balance source',
    before: text(S1, '  balance source\n'),
    after: text('  server s1 10.0.0.1:80 weight 5\n', '  balance source\n'),
    is: ['reload: b: balance source takes no new weights at run time'],
  },
  {
    name: 'weight, consistent hash',
    before: text(S1, '  balance source\n  hash-type consistent\n'),
    after: text('  server s1 10.0.0.1:80 weight 5\n', '  balance source\n  hash-type consistent\n'),
    is: ['reload: b: balance source takes no new weights at run time'],
    since26: ['set server b/s1 weight 5'],
  },
  {
    name: 'weight, balance of defaults',
    before: `defaults\n  balance static-rr\n${text(S1)}`,
    after: `defaults\n  balance static-rr\n${text('  server s1 10.0.0.1:80 weight 5\n')}`,
    is: ['reload: b: balance static-rr takes no new weights at run time'],
  },
  {
    name: 'weight and address',
    before: text(S1),
    after: text('  server s1 10.0.0.9:80 weight 2\n'),
    is: ['set server b/s1 addr 10.0.0.9', 'set server b/s1 weight 2'],
  },

  {
    name: 'disabled',
    before: text(S1),
    after: text('  server s1 10.0.0.1:80 disabled\n'),
    is: ['set server b/s1 state maint'],
  },
  {
    name: 'enabled again',
    before: text('  server s1 10.0.0.1:80 disabled\n'),
    after: text(S1),
    is: ['set server b/s1 state ready'],
  },
  {
    name: 'disabled by default-server, enabled by itself',
    before: text(S1, '  default-server disabled\n'),
    after: text('  server s1 10.0.0.1:80 enabled\n', '  default-server disabled\n'),
    is: ['set server b/s1 state ready'],
  },
  {
    name: 'disabled, on-marked-down',
    before: text('  server s1 10.0.0.1:80 on-marked-down shutdown-sessions\n'),
    after: text('  server s1 10.0.0.1:80 on-marked-down shutdown-sessions disabled\n'),
    is: ['reload: b/s1: "on-marked-down": going down would end its sessions'],
  },
  {
    name: 'disabled, tracked',
    before: text(`${S1}  server s2 10.0.0.2:80 track s1\n`),
    after: text('  server s1 10.0.0.1:80 disabled\n  server s2 10.0.0.2:80 track s1\n'),
    is: ['reload: b/s1: another server tracks it'],
  },

  {name: 'a server comes', before: text(S1), after: text(S1 + S2), is: COMES, since26: [ADD_S2]},
  {name: 'a server goes', before: text(S1 + S2), after: text(S1), is: COMES, since26: [DELETE_S2]},
  {
    name: 'the first goes, names shift',
    before: text(S1 + S2),
    after: text('  server s1 10.0.0.2:80\n'),
    is: COMES,
    since26: ['set server b/s1 addr 10.0.0.2', DELETE_S2],
  },
  {
    name: 'one comes, another goes',
    before: text(S1 + S2),
    after: text(S1 + S3),
    is: COMES,
    since26: [`add server b/s3 10.0.0.3:80${STARTS}; set server b/s3 state ready`, DELETE_S2],
  },
  {
    name: 'a checked server comes',
    before: text(S1),
    after: text(`${S1}  server s2 10.0.0.2:80 check inter 1s\n`),
    is: COMES,
    since26: [`add server b/s2 10.0.0.2:80 check inter 1s${STARTS}; enable health b/s2; set server b/s2 state ready`],
  },
  {
    name: 'a server comes that is checked each minute',
    before: text(S1),
    after: text(`${S1}  server s2 10.0.0.2:80 check inter 1m\n`),
    is: COMES,
    since26: [
      'reload: b/s2: "inter": a server that leaves maintenance would serve for as long as that before its next check',
    ],
  },
  {
    name: 'a server comes that would be checked each minute, and is not',
    before: text(S1),
    after: text(`${S1}  server s2 10.0.0.2:80 inter 1m\n`),
    is: COMES,
    since26: [`add server b/s2 10.0.0.2:80 inter 1m${STARTS}; set server b/s2 state ready`],
  },
  {
    name: 'a server comes under default-server',
    before: text(S1, '  default-server check fall 1\n'),
    after: text(S1 + S2, '  default-server check fall 1\n'),
    is: COMES,
    since26: [`add server b/s2 10.0.0.2:80 check fall 1${STARTS}; enable health b/s2; set server b/s2 state ready`],
  },
  {
    name: 'a disabled server comes',
    before: text(S1),
    after: text(`${S1}  server s2 10.0.0.2:80 disabled\n`),
    is: COMES,
    since26: [`add server b/s2 10.0.0.2:80${STARTS}`],
  },
  {
    name: 'an IPv6 server comes',
    before: text(S1),
    after: text(`${S1}  server s2 [fd00::2]:80\n`),
    is: COMES,
    since26: [`add server b/s2 [fd00::2]:80${STARTS}; set server b/s2 state ready`],
  },
  {
    name: 'a server with a cookie comes',
    before: text(S1),
    after: text(`${S1}  server s2 10.0.0.2:80 cookie s2\n`),
    is: COMES,
    since26: ['reload: b/s2: "cookie": "add server" has no word for it before HAProxy 3.0'],
  },
  {
    name: 'a server with a name for its address comes',
    before: text(S1),
    after: text(`${S1}  server s2 web.local:80\n`),
    is: COMES,
    since26: ['reload: b/s2: its address is not an IP'],
  },
  {
    name: 'a server without a port comes',
    before: text(S1),
    after: text(`${S1}  server s2 10.0.0.2\n`),
    is: COMES,
    since26: ["reload: b/s2: its port comes from the client's"],
  },
  {
    name: 'a server with an option in quotes comes',
    before: text(S1),
    after: text(`${S1}  server s2 10.0.0.2:80 sni "str(a b)"\n`),
    is: COMES,
    since26: ['reload: b/s2: an option would need quotes'],
  },
  {
    name: 'a server with a command in its name comes',
    before: text(S1),
    after: text(`${S1}  server s2;quit 10.0.0.2:80\n`),
    is: COMES,
    since26: ['reload: b/s2;quit: its name cannot be told to the runtime socket'],
  },
  {
    name: 'a server comes, balance source',
    before: text(S1, '  balance source\n'),
    after: text(S1 + S2, '  balance source\n'),
    is: COMES,
    since26: ['reload: b: balance source depends on which servers there are, in order'],
  },
  {
    name: 'a server comes, balance first',
    before: text(S1, '  balance first\n'),
    after: text(S1 + S2, '  balance first\n'),
    is: COMES,
    since26: ['reload: b: balance first depends on which servers there are, in order'],
  },
  {
    name: 'a server comes, stick table',
    before: text(S1, '  stick-table type ip size 1k\n'),
    after: text(S1 + S2, '  stick-table type ip size 1k\n'),
    is: COMES,
    since26: ['reload: b: stick tables know servers by their number'],
  },
  {
    name: 'a server comes that is disabled',
    before: text(S1),
    after: text(`${S1}  server s2 10.0.0.2:80 disabled\n`),
    is: COMES,
    since26: [`add server b/s2 10.0.0.2:80${STARTS}`],
  },
  {
    name: 'a checked server comes that is disabled',
    before: text(S1),
    after: text(`${S1}  server s2 10.0.0.2:80 check disabled\n`),
    is: COMES,
    since26: [
      `add server b/s2 10.0.0.2:80 check${STARTS}; enable health b/s2; set server b/s2 state drain; set server b/s2 state maint`,
    ],
  },
  {
    name: 'a server comes, named defaults',
    before: `defaults d\n  balance leastconn\n${text(S1)}`,
    after: `defaults d\n  balance leastconn\n${text(S1 + S2)}`,
    is: COMES,
    since26: [`add server b/s2 10.0.0.2:80${STARTS}; set server b/s2 state ready`],
  },
  {
    name: 'a tracked server goes',
    before: text(`${S1}${S2}  server s3 10.0.0.3:80 track b/s2\n`),
    after: text(`${S1}  server s3 10.0.0.3:80 track b/s2\n`),
    is: COMES,
    since26: ['reload: b/s2: another server tracks it'],
  },
  {
    name: 'a server that use-server names goes',
    before: text(S1 + S2, '  use-server s2 if TRUE\n'),
    after: text(S1, '  use-server s2 if TRUE\n'),
    is: COMES,
    since26: ['reload: b/s2: other lines name it'],
  },
  {
    name: 'a server that use-server names becomes a spare one',
    before: text(S1 + S2, '  use-server s2 if TRUE\n  option http-server-close\n'),
    after: text(`${S1}  server s2 192.0.2.2:80 disabled\n`, '  use-server s2 if TRUE\n  option http-server-close\n'),
    is: ['reload: b/s2: other lines name it'],
  },
  {
    name: 'a server that use-server names is disabled',
    before: text(S1 + S2, '  use-server s2 if TRUE\n'),
    after: text(`${S1}  server s2 10.0.0.2:80 disabled\n`, '  use-server s2 if TRUE\n'),
    is: ['set server b/s2 state maint'],
  },
  {
    name: 'a server goes, on-marked-down',
    before: text(`${S1}  server s2 10.0.0.2:80 on-marked-down shutdown-sessions\n`),
    after: text(S1),
    is: COMES,
    since26: ['reload: b/s2: "on-marked-down": going down would end its sessions'],
  },
  {
    name: 'order of servers, balance source',
    before: text(S1 + S2, '  balance source\n'),
    after: text(S2 + S1, '  balance source\n'),
    is: ['reload: b: balance source depends on which servers there are, in order'],
  },

  {
    name: 'an option of a server',
    before: text(S1),
    after: text('  server s1 10.0.0.1:80 maxconn 5\n'),
    is: ['reload: b/s1: its options changed'],
  },
  {
    name: 'check comes',
    before: text(S1),
    after: text('  server s1 10.0.0.1:80 check\n'),
    is: ['reload: b/s1: its options changed'],
  },
  {
    name: 'default-server moves behind the server',
    before: text(S1, '  default-server inter 5s\n'),
    after: text(`${S1}  default-server inter 5s\n`),
    is: ['reload: b/s1: its options changed'],
  },
  {
    name: 'another frontend line',
    before: text(S1),
    after: text(S1).replace('*:80', '*:81'),
    is: ['reload: frontend f changed: bind'],
  },
  {
    name: 'a backend comes',
    before: text(S1),
    after: `${text(S1)}backend c\n`,
    is: ['reload: backend c changed: backend'],
  },
  {
    name: 'a backend goes',
    before: `${text(S1)}backend c\n`,
    after: text(S1),
    is: ['reload: backend c changed: backend'],
  },
  {
    name: 'a line goes from the end',
    before: text(S1, '  retries 3\n'),
    after: text(S1),
    is: ['reload: backend b changed: retries'],
  },
  {
    name: 'a global setting',
    before: `global\n  maxconn 5\n${text(S1)}`,
    after: `global\n  maxconn 6\n${text(S1)}`,
    is: ['reload: global changed: maxconn'],
  },
  {
    name: 'a password is not shown',
    before: `userlist u\n  user a password x\n${text(S1)}`,
    after: `userlist u\n  user a password y\n${text(S1)}`,
    is: ['reload: userlist u changed: user'],
  },
  {
    name: 'two backends of one name',
    before: `${text(S1)}backend b\n${S2}`,
    after: `${text(movedOf(S1))}backend b\n${S2}`,
    is: ['reload: there are two backends b'],
  },
  {
    name: 'two servers of one name',
    before: text(S1 + S1),
    after: text(movedOf(S1) + S1),
    is: ['reload: there are two servers b/s1'],
  },
  {
    name: 'two servers of one name, of which one goes',
    before: text(S1 + movedOf(S1)),
    after: text(movedOf(S1)),
    is: ['reload: there are two servers b/s1'],
  },
  {
    name: 'servers of two backends',
    before: `${text(S1)}backend c\n${S2}`,
    after: `${text(movedOf(S1))}backend c\n  server s2 10.0.0.8:80\n`,
    is: [...MOVE, 'set server c/s2 addr 10.0.0.8'],
  },
  {
    name: 'a listen section',
    before: `listen b\n  bind :80\n${S1}`,
    after: `listen b\n  bind :80\n${movedOf(S1)}`,
    is: MOVE,
  },
  {
    name: 'a server of peers',
    before: `peers p\n  server me 10.0.0.1:80\n${text(S1)}`,
    after: `peers p\n  server me 10.0.0.9:80\n${text(S1)}`,
    is: ['reload: peers p changed: server'],
  },
  {
    name: 'the value of an option that reads like a flag',
    before: text('  server s1 10.0.0.1:80 cookie check\n', '  cookie C insert\n'),
    after: text('  server s1 10.0.0.9:80 cookie check\n', '  cookie C insert\n'),
    is: MOVE,
  },
  {
    name: 'a weight that HAProxy reads as the same number',
    before: text('  server s1 10.0.0.1:80 weight 10\n'),
    after: text('  server s1 10.0.0.1:80 weight 010x\n'),
    is: [],
  },
  {
    name: 'a weight that is a variable',
    before: text('  server s1 10.0.0.1:80 weight 10\n'),
    after: text('  server s1 10.0.0.1:80 weight "$W"\n'),
    is: ['reload: b/s1: its weight is not a number up to 256'],
  },
  {
    name: 'address, an option that is a variable',
    before: text('  server s1 10.0.0.1:80 maxconn "$N"\n'),
    after: text('  server s1 10.0.0.9:80 maxconn "$N"\n'),
    is: ['reload: b/s1: an option may be a variable'],
  },
  moved('address, an option nobody knows', '  server s1 10.0.0.1:80 shiny\n', [
    'reload: b/s1: "shiny" is not known to be safe with changes at run time',
  ]),
  moved(
    'address, a keyword of the backend nobody knows',
    S1,
    ['reload: b: "shiny" is not known to be safe with changes at run time'],
    '  shiny on\n',
  ),
  {
    name: 'address, a keyword of global nobody knows',
    before: `global\n  shiny\n${text(S1)}`,
    after: `global\n  shiny\n${text(movedOf(S1))}`,
    is: ['reload: global: "shiny" is not known to be safe with changes at run time'],
  },
  moved('address, keep-alive to the server', S1, [KEPT], '  mode http\n'),
  moved('address, keep-alive said last', S1, [KEPT], '  mode http\n  option httpclose\n  option http-keep-alive\n'),
  moved('address, closing taken back', S1, [KEPT], '  mode http\n  option httpclose\n  no option httpclose\n'),
  moved('address, connections closed', S1, MOVE, '  mode http\n  option http-server-close\n'),
  moved('address, checked, slow start', S1.replace('\n', ' check slowstart 5s\n'), [
    'reload: b/s1: "slowstart": a server that leaves maintenance starts slowly, at a start it does not',
  ]),
  moved('address, not checked, slow start', S1.replace('\n', ' slowstart 5s\n'), MOVE),
  moved(
    'address, external check',
    CHECKED,
    ['reload: b: "option external-check": HAProxy may end with a fault when such a check begins'],
    '  option external-check\n',
  ),
  moved('address, external check taken back', CHECKED, FRESH, '  option external-check\n  no option external-check\n'),
  {
    name: 'address, checks of named defaults that are not the last',
    before: `defaults A\n  default-server check\ndefaults B\n${text(S1 + S2).replace('\nbackend b', '\nbackend b from A')}`,
    after: `defaults A\n  default-server check\ndefaults B\n${text(movedOf(S1) + S2).replace('\nbackend b', '\nbackend b from A')}`,
    is: FRESH,
  },
  {
    name: 'address, defaults from other defaults',
    before: `defaults A\n  mode http\ndefaults B from A\n${text(S1)}`,
    after: `defaults A\n  mode http\ndefaults B from A\n${text(movedOf(S1))}`,
    is: [KEPT],
  },
  {
    name: 'a server whose checks inherit TLS and the PROXY protocol comes',
    before: text(S1),
    after: text(`${S1}  server s2 10.0.0.2:80 ssl verify none send-proxy-v2 check\n`),
    is: COMES,
    since26: [
      `add server b/s2 10.0.0.2:80 ssl verify none send-proxy-v2 check check-ssl check-send-proxy${STARTS}; enable health b/s2; set server b/s2 state ready`,
    ],
  },
  {
    name: 'a server whose checks have a port of their own comes',
    before: text(S1),
    after: text(`${S1}  server s2 10.0.0.2:80 ssl verify none check port 81\n`),
    is: COMES,
    since26: [
      `add server b/s2 10.0.0.2:80 ssl verify none check port 81${STARTS}; enable health b/s2; set server b/s2 state ready`,
    ],
  },
  {
    name: 'a server comes with a file that no server has had',
    before: text(`${S1}  server s3 10.0.0.3:80 ssl ca-file b.pem\n`),
    after: text(`${S1}  server s3 10.0.0.3:80 ssl ca-file b.pem\n  server s2 10.0.0.2:80 ssl ca-file a.pem\n`),
    is: COMES,
    since26: ['reload: b/s2: "ca-file": HAProxy reads a new file only when it starts'],
  },
  {
    name: 'a server comes with a file that another one has',
    before: text('  server s1 10.0.0.1:80 ssl crt a.pem\n'),
    after: text('  server s1 10.0.0.1:80 ssl crt a.pem\n  server s2 10.0.0.2:80 ssl crt a.pem\n'),
    is: COMES,
    since26: [`add server b/s2 10.0.0.2:80 ssl crt a.pem${STARTS}; set server b/s2 state ready`],
  },
  {
    name: 'a server that a condition asks of goes',
    before: text(S1 + S2, '  acl up srv_is_up(b/s2)\n'),
    after: text(S1, '  acl up srv_is_up(b/s2)\n'),
    is: COMES,
    since26: ['reload: b/s2: other lines name it'],
  },
  {
    name: 'backup servers in another order',
    before: text(BACKUPS),
    after: text(`${S1}  server s3 10.0.0.3:80 backup\n  server s2 10.0.0.2:80 backup\n`),
    is: [ANOTHER_BACKUP],
  },
  {
    name: 'a backup server comes before the others',
    before: text(BACKUPS),
    after: text(BACKUPS.replace(S1, `${S1}  server s4 10.0.0.4:80 backup\n`)),
    is: COMES,
    since26: [ANOTHER_BACKUP],
  },
  {
    name: 'a server comes before backup servers, the first of which goes',
    before: text(BACKUPS),
    after: text('  server s2 10.0.0.2:80\n  server s3 10.0.0.3:80 backup\n').replace(S2, S4),
    is: COMES,
    since26: [
      `add server b/s4 10.0.0.4:80${STARTS}; set server b/s4 state ready`,
      'set server b/s1 state maint; del server b/s1',
      DELETE_S2,
    ],
  },
  {
    name: 'a server comes where its number is asked for',
    before: text(S1, '  http-response set-header X-Number %[srv_id]\n'),
    after: text(S1 + S2, '  http-response set-header X-Number %[srv_id]\n'),
    is: COMES,
    since26: ['reload: b: "srv_id" is the number of a server, and another would have it'],
  },
  ...['option persist', 'force-persist if TRUE'].map(line => ({
    name: `a server is disabled that a table knows, "${line}"`,
    before: text(S1 + S2, `  stick on src\n  ${line}\n`),
    after: text(S1.replace('\n', ' disabled\n') + S2, `  stick on src\n  ${line}\n`),
    is: [
      `reload: b: "${line.replace(' if TRUE', '')}": clients that a stick table knows would still be sent to a server that is out`,
    ],
  })),
  {
    name: 'a server is disabled that a table knows, "no option persist"',
    before: text(S1 + S2, '  stick on src\n  no option persist\n'),
    after: text(S1.replace('\n', ' disabled\n') + S2, '  stick on src\n  no option persist\n'),
    is: ['set server b/s1 state maint'],
  },
  {
    name: 'another weight where the first one is asked for',
    before: text(S1, '  acl heavy srv_iweight(b/s1) gt 5\n'),
    after: text(S1.replace('\n', ' weight 7\n'), '  acl heavy srv_iweight(b/s1) gt 5\n'),
    is: ['reload: b/s1: "srv_iweight" is the weight that it started with'],
  },
  {
    name: 'a server with a limit, which is observed, comes',
    before: text(S1),
    after: text(`${S1}  server s2 10.0.0.2:80 maxconn 9 check observe layer7 on-error mark-down pool-max-conn 3\n`),
    is: COMES,
    since26: [
      'add server b/s2 10.0.0.2:80 maxconn 9 check observe layer7 on-error mark-down pool-max-conn 3 pool-purge-delay 5s error-limit 10 minconn 9; enable health b/s2; set server b/s2 state ready',
    ],
  },
  {
    name: 'a server comes that speaks HTTP/2',
    before: text(S1),
    after: text(`${S1}  server s2 10.0.0.2:80 proto h2\n`),
    is: COMES,
    since26: ['reload: b/s2: "proto": before HAProxy 3.0 a connection over HTTP/2 would carry one request'],
  },
  {
    name: 'another weight, balance random',
    before: text(S1, '  balance random\n'),
    after: text(S1.replace('\n', ' weight 7\n'), '  balance random\n'),
    is: ['reload: b: balance random takes no new weights at run time'],
    since26: ['set server b/s1 weight 7'],
  },
  {
    name: 'a server comes, balance random',
    before: text(S1, '  balance random(2)\n'),
    after: text(S1 + S2, '  balance random(2)\n'),
    is: COMES,
    since26: ['reload: b: before HAProxy 3.0 servers that come do not get their share under balance random(2)'],
  },
  {
    name: 'quotes that make a variable of what was none',
    before: text(S1, "  http-request set-header x '$HOME'\n"),
    after: text(S1, '  http-request set-header x "$HOME"\n'),
    is: ['reload: backend b changed: http-request'],
  },
  {
    name: 'another address, a dollar in a rule',
    before: text(S1, '  http-request deny if { path_reg ^/a$ }\n'),
    after: text(movedOf(S1), '  http-request deny if { path_reg ^/a$ }\n'),
    is: MOVE,
  },
  {
    name: "a port instead of the client's, which 0 stands for",
    before: text('  server s1 10.0.0.1:0\n'),
    after: text(S1),
    is: ["reload: b/s1: its port comes from the client's"],
  },
  {
    name: 'one takes the place of another',
    before: text('  server s1 10.0.0.1:80\n  server s2 10.0.0.2:80 disabled\n'),
    after: text('  server s1 10.0.0.1:80 disabled\n  server s2 10.0.0.2:80\n'),
    is: ['set server b/s2 state ready', 'set server b/s1 state maint'],
  },
  {
    name: 'weights change sides while a third one moves',
    before: text('  server s1 10.0.0.1:80 weight 5\n  server s2 10.0.0.2:80 weight 0\n  server s3 10.0.0.3:80\n'),
    after: text('  server s1 10.0.0.1:80 weight 0\n  server s2 10.0.0.2:80 weight 5\n  server s3 10.0.0.4:80\n'),
    is: ['set server b/s2 weight 5', 'set server b/s3 addr 10.0.0.4', 'set server b/s1 weight 0'],
  },
  {
    name: 'address, checked, the others are backups',
    before: text(`${S1.replace('\n', ' check\n')}  server s2 10.0.0.2:80 backup\n`),
    after: text(movedOf(`${S1.replace('\n', ' check\n')}  server s2 10.0.0.2:80 backup\n`)),
    is: [
      'reload: b/s1: its backup servers would take over later than after a start, where nobody answers at the new address',
    ],
  },
  {
    name: 'servers with the same cookie in another order',
    before: text(`${S1.replace('\n', ' cookie x\n')}${S2.replace('\n', ' cookie x\n')}`),
    after: text(`${S2.replace('\n', ' cookie x\n')}${S1.replace('\n', ' cookie x\n')}`),
    is: ['reload: b: of servers with the same cookie the first is used, and another would be'],
  },
  {
    name: 'address of the only one, checked, and something asks how many connections are free',
    before: text(S1.replace('\n', ' check\n'), '  acl none be_conn_free(b) eq 0\n'),
    after: text(movedOf(S1.replace('\n', ' check\n')), '  acl none be_conn_free(b) eq 0\n'),
    is: ['reload: b/s1: it is asked whether servers are up, and the only one would be for some checks more'],
  },
  {
    name: 'address of the only one, checked, and something asks who is up',
    before: text(S1.replace('\n', ' check\n'), '  acl none nbsrv(b) lt 1\n'),
    after: text(movedOf(S1.replace('\n', ' check\n')), '  acl none nbsrv(b) lt 1\n'),
    is: ['reload: b/s1: it is asked whether servers are up, and the only one would be for some checks more'],
  },
  {
    name: 'a server comes with the number of one that goes',
    before: text('  server s1 10.0.0.1:80 id 10\n'),
    after: text('  server s2 10.0.0.2:80 id 10\n'),
    is: COMES,
    since26: ['reload: "id 10" in b is still that of a server which goes'],
  },
  {
    name: 'a server comes with another number than the one that goes',
    before: text('  server s1 10.0.0.1:80 id 10\n'),
    after: text('  server s2 10.0.0.2:80 id 11\n'),
    is: COMES,
    since26: [
      `add server b/s2 10.0.0.2:80 id 11${STARTS}; set server b/s2 state ready`,
      'set server b/s1 state maint; del server b/s1',
    ],
  },
  {
    name: 'address, sections of later releases behind the backend',
    before: `${text(S1)}traces\n  trace h1 sink stderr\nlog-profile p\n  on any format x\nacme a\n  contact x\nhealthcheck h\n  type tcp\n`,
    after: `${text(movedOf(S1))}traces\n  trace h1 sink stderr\nlog-profile p\n  on any format x\nacme a\n  contact x\nhealthcheck h\n  type tcp\n`,
    is: MOVE,
  },
  {
    name: 'address in TCP, where a filter keeps connections to some backend',
    before: `${text(S1)}frontend f\n  mode http\n  filter spoe engine e config e.cfg\n`,
    after: `${text(movedOf(S1))}frontend f\n  mode http\n  filter spoe engine e config e.cfg\n`,
    is: ['reload: b: it may be the backend of "filter spoe", whose connections to agents would go on to be used'],
  },
  {
    name: 'address in HTTP, where a filter keeps connections to some TCP backend',
    before: `${text(S1, '  mode http\n  option http-server-close\n')}frontend f\n  filter spoe engine e config e.cfg\n`,
    after: `${text(movedOf(S1), '  mode http\n  option http-server-close\n')}frontend f\n  filter spoe engine e config e.cfg\n`,
    is: MOVE,
  },
  {
    name: 'a server-template',
    before: text('  server-template s 3 10.0.0.1:80\n'),
    after: text('  server-template s 4 10.0.0.1:80\n'),
    is: ['reload: backend b changed: server-template'],
  },
];

describe('difference of two texts', () => {
  for (const {name, before, after, is, since26 = is} of CASES) {
    test(`${name} -> ${since26[0] ?? 'nothing to do'}`, () => {
      assert.deepEqual(show(before, after, 1.7), is, 'HAProxy 1.7');
      assert.deepEqual(show(before, after, 2.6), since26, 'HAProxy 2.6');
    });
  }

  test('a HAProxy nobody has tried -> reload', () => {
    for (const release of [1.6, 4.0]) {
      assert.deepEqual(show(text(S1), text(movedOf(S1)), release), [
        `reload: changes at run time have not been tried on HAProxy ${release.toFixed(1)}`,
      ]);
    }
  });

  // From 3.3 on a backend that names no algorithm has "random".
  for (const release of [3.2, 3.3, 3.4, 3.5] as const) {
    for (const balance of ['', '  balance random\n']) {
      test(`${balance.trim() || 'no "balance"'}, HAProxy ${release}: others come, go and weigh -> told`, () => {
        assert.deepEqual(show(text(S1 + S2, balance), text(S1.replace('\n', ' weight 9\n') + S3, balance), release), [
          `add server b/s3 10.0.0.3:80${STARTS}; set server b/s3 state ready`,
          'set server b/s1 weight 9',
          DELETE_S2,
        ]);
      });
    }
  }

  test('cookie on a server that comes -> told since HAProxy 3.0, as far as HAProxy lists the word', () => {
    const after = text(`${S1}  server s2 10.0.0.2:80 cookie s2\n`);
    const difference = (addWords?: ReadonlySet<string>) =>
      deriveDifference(text(S1), after, {release: 3.2, ...(addWords && {addWords})});
    assert.equal(difference().is, 'runtime');
    assert.equal(difference(new Set(['cookie', 'check'])).is, 'runtime');
    assert.deepEqual(difference(new Set(['check'])), {
      is: 'reload',
      why: 'b/s2: "cookie": this HAProxy\'s "add server" has no word for it',
    });
  });
});
