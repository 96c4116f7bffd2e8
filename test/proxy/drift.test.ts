import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {parseServersState, type Row} from '../../src/proxy/answers.ts';
import {type Deviation, describeDeviation} from '../../src/proxy/deviation.ts';
import {findDeviations, readExpectedServers, readStartedServers} from '../../src/proxy/drift.ts';
import {atOnce} from '../../src/steps.ts';
import {recordingOf} from './recording.ts';

interface Shown {
  readonly name?: string;
  readonly backend?: string;
  readonly ip?: string;
  readonly port?: string | undefined;
  readonly weight?: number;
  readonly admin?: number;
  readonly agent?: number;
  readonly check?: number;
  /** `srv_op_state`: 2 is up. */
  readonly is?: number;
  readonly fqdn?: string;
  readonly maxconn?: string;
}

/** A row of `show servers state`: web/a at 10.0.0.1:80, ready, changed as told. */
function rowOf(shown: Shown = {}): Row {
  const {name = 'a', backend = 'web', ip = '10.0.0.1', weight = 1, admin = 0, agent = 0, check = 0, is = 2} = shown;
  const port = 'port' in shown ? shown.port : '80';
  return {
    be_name: backend,
    srv_name: name,
    srv_addr: ip,
    srv_uweight: String(weight),
    srv_admin_state: String(admin),
    srv_agent_state: String(agent),
    srv_check_state: String(check),
    srv_op_state: String(is),
    srv_fqdn: shown.fqdn ?? '-',
    ...(shown.maxconn !== undefined && {slim: shown.maxconn}),
    ...(port !== undefined && {srv_port: port}),
  };
}

const show = ({subject, what, expected, found}: Deviation): string => `${subject} ${what}: ${expected} -> ${found}`;

interface Given {
  /** How they stood when the process was first seen: as now. */
  readonly before?: readonly Row[];
  /** The text that it started with: as now. */
  readonly from?: string;
  readonly heard?: readonly string[];
}

function compare(text: string, rows: readonly Row[], {before = rows, from = text, heard = []}: Given = {}): string[] {
  const started = atOnce(readStartedServers(atOnce(readExpectedServers(from)), before));
  return atOnce(findDeviations(atOnce(readExpectedServers(text)), rows, {started, heard: new Set(heard)})).map(show);
}

const textOf = (...servers: readonly string[]): string =>
  ['backend web', ...servers.map(server => `  server ${server}`), ''].join('\n');

describe('a server that is not as its text says', () => {
  for (const [name, server, shown, deviations] of [
    ['as it says', 'a 10.0.0.1:80', {}, []],
    ['moved', 'a 10.0.0.1:80', {ip: '10.0.0.2'}, ['web/a address: 10.0.0.1 -> 10.0.0.2']],
    ['another port', 'a 10.0.0.1:80', {port: '81'}, ['web/a port: 80 -> 81']],
    ['another weight', 'a 10.0.0.1:80', {weight: 9}, ['web/a weight: 1 -> 9']],
    ['weight of the text', 'a 10.0.0.1:80 weight 9', {weight: 1}, ['web/a weight: 9 -> 1']],
    ['put into maintenance', 'a 10.0.0.1:80', {admin: 1}, ['web/a state: ready -> maint']],
    ['drained', 'a 10.0.0.1:80', {admin: 8}, ['web/a state: ready -> drain']],
    ['drained, then put into maintenance', 'a 10.0.0.1:80', {admin: 9}, ['web/a state: ready -> maint']],
    ['set ready', 'a 10.0.0.1:80 disabled', {admin: 4}, ['web/a state: maint -> ready']],
    [
      'all of it',
      'a 10.0.0.1:80',
      {ip: '10.0.0.2', port: '81', weight: 0, admin: 1},
      [
        'web/a address: 10.0.0.1 -> 10.0.0.2',
        'web/a port: 80 -> 81',
        'web/a weight: 1 -> 0',
        'web/a state: ready -> maint',
      ],
    ],
    ['disabled from its start', 'a 10.0.0.1:80 disabled', {admin: 5}, []],
    ['disabled at run time', 'a 10.0.0.1:80 disabled', {admin: 1}, []],
    ['enabled at run time, disabled at its start', 'a 10.0.0.1:80', {admin: 4}, []],
    ['in maintenance with the server it tracks', 'a 10.0.0.1:80 track b', {admin: 2}, []],
    ['drained with the server it tracks', 'a 10.0.0.1:80 track b', {admin: 16}, []],
    [
      'under an agent that never answered',
      'a 10.0.0.1:80 agent-check',
      {weight: 30, admin: 1, agent: 6},
      ['web/a weight: 1 -> 30', 'web/a state: ready -> maint'],
    ],
    ['an agent that is not asked any more', 'a 10.0.0.1:80 agent-check', {agent: 18}, ['web/a agent: on -> off']],
    ['no agent, whatever else its bits say', 'a 10.0.0.1:80', {admin: 1, agent: 17}, ['web/a state: ready -> maint']],
    ['checked', 'a 10.0.0.1:80 check', {check: 6}, []],
    ['checked and down', 'a 10.0.0.1:80 check', {check: 6, is: 0}, []],
    ['a check under way', 'a 10.0.0.1:80 check', {check: 7}, []],
    ['not checked any more', 'a 10.0.0.1:80 check', {check: 2}, ['web/a checks: on -> off']],
    ['set down by hand', 'a 10.0.0.1:80', {is: 0}, ['web/a health: up -> down']],
    ['set to stop by hand', 'a 10.0.0.1:80', {is: 3}, ['web/a health: up -> stopping']],
    ['starts slowly', 'a 10.0.0.1:80 slowstart 9s', {is: 1}, []],
    ['down with the server it tracks', 'a 10.0.0.1:80 track b', {is: 0}, []],
    ['down as it began', 'a 10.0.0.1:80 init-state fully-down', {is: 0}, []],
    ['down in maintenance', 'a 10.0.0.1:80 disabled', {is: 0, admin: 5}, []],
    ['a limit of its own', 'a 10.0.0.1:80 maxconn 7', {maxconn: '7'}, []],
    ['another limit', 'a 10.0.0.1:80 maxconn 7', {maxconn: '1'}, ['web/a maxconn: 7 -> 1']],
    ['a limit where the text has none', 'a 10.0.0.1:80', {maxconn: '1'}, ['web/a maxconn: 0 -> 1']],
    ['a limit raised by "minconn"', 'a 10.0.0.1:80 minconn 9 maxconn 7', {maxconn: '9'}, []],
    ['IPv6 in another spelling', 'a [2001:DB8::0:1]:80', {ip: '2001:db8::1'}, []],
    ['IPv6, another', 'a [2001:db8::1]:80', {ip: '2001:db8::2'}, ['web/a address: 2001:db8::1 -> 2001:db8::2']],
    ['a port with zeros before it', 'a 10.0.0.1:0080', {}, []],
    ['no port', 'a 10.0.0.1', {port: '0'}, []],
    ['a port that comes from the client', 'a 10.0.0.1:+10', {port: '10'}, []],
    ['a name that DNS does not know', 'a web.local:80 resolvers r', {admin: 32, is: 0}, []],
    ['a name, in maintenance', 'a web.local:80', {admin: 1}, ['web/a state: ready -> maint']],
    ['a name, another weight', 'a web.local:80 resolvers r', {weight: 9}, ['web/a weight: 1 -> 9']],
    ['a UNIX socket', 'a unix@/run/a.sock', {ip: '', port: '0'}, []],
    ['a UNIX socket, another weight', 'a unix@/run/a.sock', {ip: '', weight: 9}, ['web/a weight: 1 -> 9']],
  ] as const satisfies readonly (readonly [string, string, Shown, readonly string[]])[]) {
    test(`${name} -> ${deviations.length === 0 ? 'none' : deviations.join(', ')}`, () => {
      assert.deepEqual(compare(textOf(server), [rowOf(shown)]), deviations);
    });
  }

  test('default-server says weight and state -> they count', () => {
    const text =
      'defaults\n  default-server weight 5\nbackend web\n  default-server disabled\n  server a 10.0.0.1:80\n';
    assert.deepEqual(compare(text, [rowOf({weight: 5, admin: 5})]), []);
    assert.deepEqual(compare(text, [rowOf()]), ['web/a weight: 5 -> 1', 'web/a state: maint -> ready']);
  });
});

describe('what a text leaves open -> as it was when the process was first seen', () => {
  for (const [name, server, was, is, deviations] of [
    ['a name', 'a web.local:80', {}, {ip: '10.0.0.2', port: '81'}, ['address: 10.0.0.1 -> 10.0.0.2', 'port: 80 -> 81']],
    ['a name that DNS follows', 'a web.local:80 resolvers r', {}, {ip: '10.0.0.2'}, []],
    ['its port', 'a web.local:80 resolvers r', {}, {port: '81'}, ['port: 80 -> 81']],
    [
      'another name',
      'a web.local:80 resolvers r',
      {fqdn: 'web.local'},
      {fqdn: 'x.local'},
      ['address: web.local -> x.local'],
    ],
    ['a service', 'a _http._tcp.local resolvers r', {}, {ip: '10.0.0.2', port: '81', weight: 7, fqdn: 'x.local'}, []],
    ['a service, in maintenance', 'a _http._tcp.local resolvers r', {}, {admin: 1}, ['state: ready -> maint']],
    ['no port', 'a 10.0.0.1', {port: '0'}, {port: '81'}, ['port: 0 -> 81']],
    ["the client's port", 'a 10.0.0.1:+10', {port: '10'}, {port: '81'}, ['port: 10 -> 81']],
    ['a variable weight', 'a 10.0.0.1:80 weight "$W"', {weight: 5}, {weight: 6}, ['weight: 5 -> 6']],
    ['a variable limit', 'a 10.0.0.1:80 maxconn "$M"', {maxconn: '5'}, {maxconn: '6'}, ['maxconn: 5 -> 6']],
  ] as const satisfies readonly (readonly [string, string, Shown, Shown, readonly string[]])[]) {
    test(`${name} -> ${deviations.join(', ') || 'none'}`, () => {
      const [before, rows] = [[rowOf(was)], [rowOf({...was, ...is})]];
      assert.deepEqual(
        compare(textOf(server), rows, {before}),
        deviations.map(one => `web/a ${one}`),
      );
      assert.deepEqual(compare(textOf(server), before, {before}), []);
    });
  }
});

describe('a backend that loads the states of its servers from a file of its own', () => {
  const text = `${textOf('a 10.0.0.1:80')}  load-server-state-from-file local\n`;
  const before = [rowOf({ip: '10.0.0.7', weight: 9, admin: 1})];

  test('they stand as the file says -> none', () => assert.deepEqual(compare(text, before), []));

  test('changed since -> seen', () => {
    assert.deepEqual(compare(text, [rowOf({ip: '10.0.0.8', weight: 8})], {before}), [
      'web/a address: 10.0.0.7 -> 10.0.0.8',
      'web/a weight: 9 -> 8',
      'web/a state: maint -> ready',
    ]);
  });

  test('"global", which is a file of ours -> as the text says', () => {
    assert.deepEqual(compare(text.replace('local', 'global'), before).length, 3);
  });
});

test('an agent that has answered -> weight, state and limit are as it likes, the address is not', () => {
  const rows = [rowOf({weight: 30, admin: 9, agent: 6, ip: '10.0.0.2', maxconn: '3'})];
  assert.deepEqual(compare(textOf('a 10.0.0.1:80 agent-check'), rows, {heard: ['web/a']}), [
    'web/a address: 10.0.0.1 -> 10.0.0.2',
  ]);
});

describe('which servers there are', () => {
  test('one is gone -> missing', () => {
    assert.deepEqual(compare(textOf('a 10.0.0.1:80', 'b 10.0.0.1:80'), [rowOf()]), [
      'web/b missing: present -> absent',
    ]);
  });

  test('one more, taking requests -> unexpected', () => {
    assert.deepEqual(compare(textOf('a 10.0.0.1:80'), [rowOf(), rowOf({name: 'x'})]), [
      'web/x unexpected: absent -> present',
    ]);
  });

  test('one more, in maintenance until its connections end -> none', () => {
    assert.deepEqual(compare(textOf('a 10.0.0.1:80'), [rowOf(), rowOf({name: 'x', admin: 1})]), []);
  });

  test("HAProxy's own backends -> not looked at", () => {
    assert.deepEqual(compare(textOf('a 10.0.0.1:80'), [rowOf(), rowOf({backend: '<HTTPCLIENT>'})]), []);
  });

  test('servers of peers -> not looked for', () => {
    assert.deepEqual(compare(`peers p\n  server x 10.0.0.9:1024\n${textOf('a 10.0.0.1:80')}`, [rowOf()]), []);
  });

  for (const [range, names] of [
    ['2', ['web1', 'web2']],
    ['4-6', ['web4', 'web5', 'web6']],
  ] as const) {
    test(`server-template ${range} -> ${names.join(', ')}, each as its line says`, () => {
      const text = `backend web\n  server-template web ${range} 10.0.0.1:80 weight 9 disabled\n`;
      const rows = names.map(name => rowOf({name, weight: 9, admin: 5}));
      assert.deepEqual(compare(text, rows), []);
      assert.deepEqual(compare(text, rows.slice(1), {before: rows}), [`web/${names[0]} missing: present -> absent`]);
      assert.deepEqual(compare(text, [...rows, rowOf({name: 'web9'})]), ['web/web9 unexpected: absent -> present']);
      assert.deepEqual(
        compare(
          text,
          names.map(name => rowOf({name, weight: 0, port: '81'})),
        ),
        names.flatMap(name => [
          `web/${name} port: 80 -> 81`,
          `web/${name} weight: 9 -> 0`,
          `web/${name} state: maint -> ready`,
        ]),
      );
    });
  }

  for (const [name, text] of [
    ['a name from the environment', textOf('a 10.0.0.1:80', '"$NAME" 10.0.0.1:80')],
    ['a template of unknown size', `${textOf('a 10.0.0.1:80')}  server-template t "$COUNT" web.local:80\n`],
    ['a template named by a variable', `${textOf('a 10.0.0.1:80')}  server-template "$T" 3 web.local:80\n`],
    ['a template of absurd size', `${textOf('a 10.0.0.1:80')}  server-template t 1-999999999 web.local:80\n`],
  ] as const) {
    test(`${name} -> those that were there at the start belong there, and stay as they were`, () => {
      const before = [rowOf(), rowOf({name: 'x', ip: '10.0.0.7'})];
      assert.deepEqual(compare(text, before), []);
      assert.deepEqual(compare(text, [rowOf({weight: 2})], {before}), [
        'web/a weight: 1 -> 2',
        'web/x missing: present -> absent',
      ]);
      assert.deepEqual(
        compare(text, [...before.slice(0, 1), rowOf({name: 'x', ip: '10.0.0.8'}), rowOf({name: 'y'})], {before}),
        ['web/x address: 10.0.0.7 -> 10.0.0.8', 'web/y unexpected: absent -> present'],
      );
    });
  }

  test('a server that the text named leaves at run time, beside one named by a variable -> not missed', () => {
    const from = textOf('a 10.0.0.1:80', 'b 10.0.0.1:80', '"$NAME" 10.0.0.1:80');
    const before = [rowOf(), rowOf({name: 'b'}), rowOf({name: 'x'})];
    assert.deepEqual(compare(from.replace('  server b 10.0.0.1:80\n', ''), before.toSpliced(1, 1), {before, from}), []);
  });

  test('conditions, wherever they are -> the start alone tells what the text means', () => {
    const text = `.if defined(X)\n.endif\n${textOf('a 10.0.0.1:80', 'b 10.0.0.1:80')}`;
    const before = [rowOf({weight: 2})];
    assert.deepEqual(compare(text, before), []);
    assert.deepEqual(compare(text, [rowOf({ip: '10.0.0.2', weight: 1, admin: 1})], {before}), [
      'web/a address: 10.0.0.1 -> 10.0.0.2',
      'web/a weight: 2 -> 1',
      'web/a state: ready -> maint',
    ]);
    assert.deepEqual(compare(text, [rowOf({name: 'x'})], {before}), [
      'web/x unexpected: absent -> present',
      'web/a missing: present -> absent',
    ]);
  });

  test('a backend in two places -> the servers of both are its own', () => {
    const text = `${textOf('a 10.0.0.1:80')}${textOf('b 10.0.0.1:80')}`;
    assert.deepEqual(compare(text, [rowOf(), rowOf({name: 'b'})]), []);
  });

  test('a template of none -> none', () => {
    const text = `${textOf('a 10.0.0.1:80')}  server-template t 5-3 web.local:80\n`;
    assert.deepEqual(compare(text, [rowOf()]), []);
  });

  test('one name on two lines -> compared with neither', () => {
    assert.deepEqual(compare(textOf('a 10.0.0.1:80', 'a 10.0.0.2:80'), [rowOf(), rowOf({ip: '10.0.0.2'})]), []);
  });
});

test('a thousand servers -> compared in a few steps, none of them long', () => {
  const names = Array.from({length: 1000}, (_, index) => `s${index}`);
  const count = (steps: Generator<void, unknown>): number => {
    let yields = 0;
    while (!steps.next().done) yields += 1;
    return yields;
  };
  const text = textOf(...names.map(name => `${name} 10.0.0.1:80`));
  const rows = names.map(name => rowOf({name}));
  const readingSteps = count(readExpectedServers(text));
  assert.ok(readingSteps >= 10 && readingSteps < 30, String(readingSteps));
  const comparingSteps = count(
    findDeviations(atOnce(readExpectedServers(text)), rows, {started: new Map(), heard: new Set()}),
  );
  assert.ok(comparingSteps >= 5 && comparingSteps < 15, String(comparingSteps));
});

test('what HAProxy 1.7.5 recorded -> none, with its own text', () => {
  const rows = parseServersState(recordingOf('show-servers-state.txt'));
  const deviations = compare(recordingOf('recorded.cfg'), rows);
  assert.deepEqual(deviations, ['app/draining state: ready -> drain']);
});

test('a UNIX socket, whose address 1.7 does not tell -> a row like any other', () => {
  const [row] = parseServersState('1\n# be_name srv_name srv_addr srv_op_state\nweb a  2\n');
  assert.deepEqual(row, {be_name: 'web', srv_name: 'a', srv_addr: '', srv_op_state: '2'});
});

describe('deviations in words', () => {
  const base = {subject: 'web/a', backend: 'web', server: 'a'} as const;
  for (const [deviation, words] of [
    [{what: 'address', expected: '10.0.0.1', found: '10.0.0.2'}, 'web/a is at 10.0.0.2, not 10.0.0.1'],
    [{what: 'port', expected: '80', found: '81'}, 'web/a is at port 81, not 80'],
    [{what: 'weight', expected: '1', found: '9'}, 'web/a has weight 9, not 1'],
    [{what: 'state', expected: 'ready', found: 'maint'}, 'web/a is in maintenance, not ready'],
    [{what: 'state', expected: 'maint', found: 'drain'}, 'web/a is draining, not in maintenance'],
    [{what: 'health', expected: 'up', found: 'down'}, 'web/a is down, though nothing checks it'],
    [{what: 'checks', expected: 'on', found: 'off'}, 'web/a is not checked any more'],
    [{what: 'agent', expected: 'on', found: 'off'}, 'web/a: its agent is not asked any more'],
    [{what: 'maxconn', expected: '0', found: '7'}, 'web/a has maxconn 7, not 0'],
    [
      {subject: 'frontend www', what: 'state', expected: 'open', found: 'stopped'},
      'frontend www is stopped, not listening',
    ],
    [{subject: "HAProxy's Maxconn", what: 'limit', expected: '100', found: '9'}, "HAProxy's Maxconn is 9, not 100"],
    [
      {subject: 'map /m.map', what: 'entries', expected: '1 entries', found: '2 entries'},
      'map /m.map has 2 entries, not the 1 entries that it started with',
    ],
    [
      {subject: 'file /m.map', what: 'content', expected: 'as it was read', found: 'changed'},
      'file /m.map has changed since HAProxy read it',
    ],
    [{what: 'missing', expected: 'present', found: 'absent'}, 'HAProxy has no server web/a'],
    [
      {what: 'unexpected', expected: 'absent', found: 'present'},
      'HAProxy has a server web/a that the configuration does not name',
    ],
  ] as const) {
    test(words, () => assert.equal(describeDeviation({...base, ...deviation}), words));
  }
});
