import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {parseServersState, parseStat, type Row} from '../../src/proxy/answers.ts';
import {type Deviation, describeDeviation, findDeviations, readExpectedServers} from '../../src/proxy/drift.ts';
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
}

/** A row of `show servers state`: web/a at 10.0.0.1:80, ready, changed as told. */
function rowOf(shown: Shown = {}): Row {
  const {name = 'a', backend = 'web', ip = '10.0.0.1', weight = 1, admin = 0, agent = 0} = shown;
  const port = 'port' in shown ? shown.port : '80';
  return {
    be_name: backend,
    srv_name: name,
    srv_addr: ip,
    srv_uweight: String(weight),
    srv_admin_state: String(admin),
    srv_agent_state: String(agent),
    ...(port !== undefined && {srv_port: port}),
  };
}

const show = ({backend, server, what, expected, found}: Deviation): string =>
  `${backend}/${server} ${what}: ${expected} -> ${found}`;

function compare(text: string, rows: readonly Row[], addresses: Readonly<Record<string, string>> = {}): string[] {
  const expected = atOnce(readExpectedServers(text));
  return atOnce(findDeviations(expected, rows, new Map(Object.entries(addresses)))).map(show);
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
    ['set by its agent', 'a 10.0.0.1:80 agent-check', {weight: 30, admin: 9, agent: 22}, []],
    ['no agent, whatever else its bits say', 'a 10.0.0.1:80', {admin: 1, agent: 17}, ['web/a state: ready -> maint']],
    [
      'moved beside its agent',
      'a 10.0.0.1:80 agent-check',
      {ip: '10.0.0.2', agent: 2},
      ['web/a address: 10.0.0.1 -> 10.0.0.2'],
    ],
    ['IPv6 in another spelling', 'a [2001:DB8::0:1]:80', {ip: '2001:db8::1'}, []],
    ['IPv6, another', 'a [2001:db8::1]:80', {ip: '2001:db8::2'}, ['web/a address: 2001:db8::1 -> 2001:db8::2']],
    ['a port with zeros before it', 'a 10.0.0.1:0080', {}, []],
    ['no port', 'a 10.0.0.1', {port: '0'}, []],
    ['a port that comes from the client', 'a 10.0.0.1:+10', {port: '10'}, []],
    ['a name, wherever DNS sent it', 'a web.local:80 resolvers r', {ip: '10.9.9.9', port: '99', weight: 7}, []],
    ['a name that DNS does not know', 'a web.local:80 resolvers r', {admin: 32}, []],
    ['a name, in maintenance', 'a web.local:80', {admin: 1}, ['web/a state: ready -> maint']],
    ['a UNIX socket', 'a unix@/run/a.sock', {ip: '', port: '0'}, []],
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

describe('ports that only the statistics tell (1.7)', () => {
  const row = rowOf({port: undefined});
  for (const [address, deviations] of [
    ['10.0.0.1:80', []],
    ['10.0.0.1:81', ['web/a port: 80 -> 81']],
    ['[::1]:82', ['web/a port: 80 -> 82']],
    ['unix', []],
  ] as const) {
    test(`${address} -> ${deviations.length}`, () => {
      assert.deepEqual(compare(textOf('a 10.0.0.1:80'), [row], {'web/a': address}), deviations);
    });
  }

  test('none at all -> no deviation', () => assert.deepEqual(compare(textOf('a 10.0.0.1:80'), [row]), []));
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
    test(`server-template ${range} -> ${names.join(', ')}, as they were configured`, () => {
      const text = `backend web\n  server-template web ${range} _http._tcp.local resolvers r\n`;
      const rows = names.map(name => rowOf({name, ip: '10.7.7.7', weight: 9}));
      assert.deepEqual(compare(text, rows), []);
      assert.deepEqual(compare(text, rows.slice(1)), [`web/${names[0]} missing: present -> absent`]);
      assert.deepEqual(compare(text, [...rows, rowOf({name: 'web9'})]), ['web/web9 unexpected: absent -> present']);
      const forced = rows.map(row => ({...row, srv_admin_state: '1'}));
      assert.equal(compare(text, forced).length, names.length);
      assert.deepEqual(
        compare(
          text,
          rows.map(row => ({...row, srv_admin_state: '5'})),
        ),
        [],
      );
    });
  }

  for (const [name, text] of [
    ['conditions', `.if defined(X)\n.endif\n${textOf('a 10.0.0.1:80', 'b 10.0.0.1:80')}`],
    ['a name from the environment', textOf('a 10.0.0.1:80', '"$NAME" 10.0.0.1:80')],
    ['a template of unknown size', `${textOf('a 10.0.0.1:80')}  server-template t "$COUNT" web.local:80\n`],
    ['a template named by a variable', `${textOf('a 10.0.0.1:80')}  server-template "$T" 3 web.local:80\n`],
    ['a template of absurd size', `${textOf('a 10.0.0.1:80')}  server-template t 1-999999999 web.local:80\n`],
  ] as const) {
    test(`${name} -> none is missed, none is too many, those known are compared`, () => {
      assert.deepEqual(compare(text, [rowOf({weight: 2}), rowOf({name: 'x'})]), ['web/a weight: 1 -> 2']);
    });
  }

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
  const comparingSteps = count(findDeviations(atOnce(readExpectedServers(text)), rows, new Map()));
  assert.ok(comparingSteps >= 5 && comparingSteps < 15, String(comparingSteps));
});

test('what HAProxy 1.7.5 recorded -> none, with its own text', () => {
  const rows = parseServersState(recordingOf('show-servers-state.txt'));
  const stats = parseStat(recordingOf('show-stat.csv'));
  const addresses = Object.fromEntries(stats.map(row => [`${row.pxname}/${row.svname}`, row.addr ?? '']));
  const deviations = compare(recordingOf('recorded.cfg'), rows, addresses);
  assert.deepEqual(deviations, ['app/draining state: ready -> drain']);
});

test('a UNIX socket, whose address 1.7 does not tell -> a row like any other', () => {
  const [row] = parseServersState('1\n# be_name srv_name srv_addr srv_op_state\nweb a  2\n');
  assert.deepEqual(row, {be_name: 'web', srv_name: 'a', srv_addr: '', srv_op_state: '2'});
});

describe('deviations in words', () => {
  const base = {backend: 'web', server: 'a'} as const;
  for (const [deviation, words] of [
    [{what: 'address', expected: '10.0.0.1', found: '10.0.0.2'}, 'web/a is at 10.0.0.2, not 10.0.0.1'],
    [{what: 'port', expected: '80', found: '81'}, 'web/a is at port 81, not 80'],
    [{what: 'weight', expected: '1', found: '9'}, 'web/a has weight 9, not 1'],
    [{what: 'state', expected: 'ready', found: 'maint'}, 'web/a is in maintenance, not ready'],
    [{what: 'state', expected: 'maint', found: 'drain'}, 'web/a is draining, not in maintenance'],
    [{what: 'missing', expected: 'present', found: 'absent'}, 'HAProxy has no server web/a'],
    [
      {what: 'unexpected', expected: 'absent', found: 'present'},
      'HAProxy has a server web/a that the configuration does not name',
    ],
  ] as const) {
    test(words, () => assert.equal(describeDeviation({...base, ...deviation}), words));
  }
});
