import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {parseServersState, type Row} from '../../src/proxy/answers.ts';
import {deriveCarriedState} from '../../src/proxy/carried-state.ts';
import {atOnce} from '../../src/steps.ts';

/** A checked server that was found down, as HAProxy 2.6 tells it. */
const FOUND_DOWN = {
  be_id: '3',
  be_name: 'web',
  srv_id: '1',
  srv_name: 'a',
  srv_addr: '10.0.0.1',
  srv_op_state: '0',
  srv_admin_state: '0',
  srv_uweight: '1',
  srv_iweight: '1',
  srv_time_since_last_change: '77',
  srv_check_status: '8',
  srv_check_result: '2',
  srv_check_health: '0',
  srv_check_state: '6',
  srv_agent_state: '0',
  bk_f_forced_id: '0',
  srv_f_forced_id: '0',
  srv_fqdn: '-',
  srv_port: '80',
  srvrecord: '-',
  srv_use_ssl: '0',
  srv_check_port: '80',
  srv_check_addr: '10.0.0.1',
  srv_agent_addr: '10.0.0.1',
  srv_agent_port: '7',
};

/** What a start makes of the rest. */
const CARRIED = {...FOUND_DOWN, srv_check_port: '0', srv_check_addr: '-', srv_agent_addr: '-', srv_agent_port: '0'};

type Changes = Partial<typeof FOUND_DOWN>;

const answerOf = (...rows: readonly Changes[]): string =>
  [
    '1',
    `# ${Object.keys(FOUND_DOWN).join(' ')}`,
    ...rows.map(row => Object.values({...FOUND_DOWN, ...row}).join(' ')),
    '',
  ].join('\n');

const textOf = (...servers: readonly string[]): string =>
  ['backend web', ...servers.map(server => `  server ${server}`), ''].join('\n');

function carry(before: string, rows: readonly Changes[], after = before): Row[] {
  const state = atOnce(deriveCarriedState(answerOf(...rows), before, after));
  return state === '1\n' ? [] : parseServersState(state);
}

const A = textOf('a 10.0.0.1:80 check');

describe('health that is carried to the next HAProxy', () => {
  test('found down under the same words -> with all that a check found, and nothing set by hand', () => {
    assert.deepEqual(carry(A, [{}]), [CARRIED]);
  });

  test('two servers, one of them changed -> the other', () => {
    const before = textOf('a 10.0.0.1:80 check', 'b 10.0.0.2:80 check');
    const after = textOf('a 10.0.0.1:80 check', 'b 10.0.0.2:80 check weight 2');
    const rows = carry(before, [{}, {srv_name: 'b', srv_addr: '10.0.0.2'}], after);
    assert.deepEqual(
      rows.map(row => row.srv_name),
      ['a'],
    );
  });

  for (const [name, changes, text, carried] of [
    ['drained', {srv_admin_state: '8'}, A, {}],
    ['drained with the server it tracks', {srv_admin_state: '16'}, A, {}],
    ['weighed by hand', {srv_uweight: '7'}, A, {}],
    [
      'weighed at run time',
      {srv_uweight: '7', srv_iweight: '1'},
      textOf('a 10.0.0.1:80 check weight 7'),
      {srv_uweight: '7', srv_iweight: '7'},
    ],
    [
      'weighed by a variable',
      {srv_uweight: '7', srv_iweight: '5'},
      textOf('a 10.0.0.1:80 check weight "$W"'),
      {srv_uweight: '5', srv_iweight: '5'},
    ],
    ['checks switched off', {srv_check_state: '2'}, A, {}],
    [
      'an agent alone, switched off',
      {srv_check_state: '0', srv_agent_state: '18'},
      A,
      {srv_check_state: '0', srv_agent_state: '22'},
    ],
    ['TLS switched on', {srv_use_ssl: '1'}, A, {}],
    ['TLS of the text', {srv_use_ssl: '0'}, textOf('a 10.0.0.1:80 check ssl'), {srv_use_ssl: '1'}],
    ['TLS taken back', {srv_use_ssl: '1'}, textOf('a 10.0.0.1:80 check ssl no-ssl'), {srv_use_ssl: '0'}],
    ['a port that comes from the client', {srv_port: '10'}, textOf('a 10.0.0.1:+10 check'), {srv_port: '10'}],
    [
      'a name',
      {srv_addr: '10.9.9.9', srv_port: '99'},
      textOf('a web.local:80 check'),
      {srv_addr: '10.9.9.9', srv_port: '99'},
    ],
    ['IPv6', {srv_addr: '2001:db8::1'}, textOf('a [2001:DB8::1]:080 check'), {srv_addr: '2001:db8::1'}],
  ] as const satisfies readonly (readonly [string, Changes, string, Changes])[]) {
    test(`${name} -> its health, and what the text says`, () => {
      assert.deepEqual(carry(text, [changes]), [{...CARRIED, ...carried}]);
    });
  }

  for (const [name, changes] of [
    ['in maintenance', {srv_admin_state: '1'}],
    ['in maintenance with the server it tracks', {srv_admin_state: '2'}],
    ['disabled once', {srv_admin_state: '4'}],
    ['without an address', {srv_admin_state: '32'}],
    ['moved by hand', {srv_addr: '10.0.0.2'}],
    ['at another port by hand', {srv_port: '81'}],
    ['set down without a check', {srv_check_state: '0'}],
    ['no check, whatever else its bits say', {srv_check_state: '17'}],
    ['another server', {srv_name: 'b'}],
    ['of another backend', {be_name: 'other'}],
  ] as const satisfies readonly (readonly [string, Changes])[]) {
    test(`${name} -> begins as a start does`, () => assert.deepEqual(carry(A, [changes]), []));
  }

  test('HAProxy 1.7, which tells no port -> carried', () => {
    const {srv_port: _, ...row} = FOUND_DOWN;
    const answer = ['1', `# ${Object.keys(row).join(' ')}`, Object.values(row).join(' ')].join('\n');
    assert.equal(parseServersState(atOnce(deriveCarriedState(answer, A, A))).length, 1);
  });

  test('a thousand servers -> in a few steps, none of them long', () => {
    const names = Array.from({length: 1000}, (_, index) => `s${index}`);
    const text = textOf(...names.map(name => `${name} 10.0.0.1:80 check`));
    const steps = deriveCarriedState(answerOf(...names.map(name => ({srv_name: name}))), text, text);
    let yields = 0;
    while (!steps.next().done) yields += 1;
    assert.ok(yields >= 25 && yields < 60, String(yields));
  });

  test('no server at all -> nothing but the version', () => {
    assert.equal(atOnce(deriveCarriedState(answerOf(), A, A)), '1\n');
  });
});

describe('texts that differ', () => {
  const withGlobal = (line: string) => `global\n  ${line}\n${A}`;
  const withResolvers = (line: string) => `resolvers r\n  ${line}\n${A}`;
  const withDefaults = (line: string) => `defaults\n  ${line}\n${A}`;
  for (const [name, before, after, count] of [
    ['comments and blanks', A, `# two\n${A.replaceAll('  ', '\t')}`, 1],
    ['a server beside it', A, textOf('b 10.0.0.2:80', 'a 10.0.0.1:80 check'), 1],
    ['global settings of connections', withGlobal('maxconn 9'), withGlobal('maxconn 10'), 1],
    ['a frontend', A, `${A}frontend f\n  bind :80\n`, 1],
    ['another backend', A, `backend other\n  timeout check 1s\n${A}`, 1],
    ['its address', A, textOf('a 10.0.0.2:80 check'), 0],
    ['its port', A, textOf('a 10.0.0.1:81 check'), 0],
    ['an option', A, textOf('a 10.0.0.1:80 check inter 9s'), 0],
    ['its weight', A, textOf('a 10.0.0.1:80 check weight 9'), 0],
    ['its name', A, textOf('b 10.0.0.1:80 check'), 0],
    ['default-server of its backend', A, A.replace('web\n', 'web\n  default-server fall 9\n'), 0],
    ['a check of its backend', A, `${A}  option httpchk\n`, 0],
    ['the order of such lines', `${A}  option a\n  option b\n`, `${A}  option b\n  option a\n`, 0],
    ['a line less', `${A}  option httpchk\n`, A, 0],
    ['its defaults', withDefaults('timeout check 1s'), withDefaults('timeout check 2s'), 0],
    ['the name of its backend', A, A.replace('web', 'shop'), 0],
    ['certificates of checks', withGlobal('ca-base /a'), withGlobal('ca-base /b'), 0],
    ['a variable', withGlobal('setenv A 1'), withGlobal('setenv A 2'), 0],
    ['resolvers', withResolvers('hold valid 1s'), withResolvers('hold valid 2s'), 0],
    ['conditions before', `.if 1\n.endif\n${A}`, A, 0],
    ['conditions after', A, `.if 1\n.endif\n${A}`, 0],
    ['conditions in both', `.if 1\n.endif\n${A}`, `.if 1\n.endif\n${A}`, 0],
  ] as const) {
    test(`${name} -> ${count === 0 ? 'not carried' : 'carried'}`, () => {
      const shop = after.includes('shop') ? {be_name: 'shop'} : {};
      const renamed = after.includes('server b 10.0.0.1') ? {srv_name: 'b'} : {};
      assert.equal(carry(before, [{...shop, ...renamed}], after).length, count);
    });
  }
});

describe('servers of templates', () => {
  const text = (range = '2-3', more = '') => `backend web\n${more}  server-template t ${range} web.local:80 check\n`;
  const rows = ['t1', 't2', 't3', 't4'].map(name => ({srv_name: name, srv_addr: '10.9.9.9', srv_uweight: '5'}));
  const names = (before: string, after: string) => carry(before, rows, after).map(row => row.srv_name);

  test('the same line -> those that it makes, weighed as they were configured', () => {
    assert.deepEqual(names(text(), text()), ['t2', 't3']);
    assert.deepEqual(new Set(carry(text(), rows).map(row => row.srv_uweight)), new Set(['1']));
  });

  test('TLS -> as HAProxy tells it', () => {
    assert.equal(carry(text(), [{srv_name: 't2', srv_use_ssl: '1'}])[0]?.srv_use_ssl, '1');
  });

  test('another line -> none', () => {
    assert.deepEqual(names(text('2-4'), text()), []);
    assert.deepEqual(names(text(), text('2-3', '  timeout check 1s\n')), []);
  });

  test('how many cannot be known -> none', () => assert.deepEqual(names(text('"$N"'), text('"$N"')), []));
});

describe('servers that track others', () => {
  const tracking = (target: string, ...more: readonly string[]) =>
    textOf('a 10.0.0.1:80 check', `b 10.0.0.2:80 track ${target}`, ...more);
  const unchecked = {srv_check_state: '0'};
  const B = {srv_name: 'b', srv_addr: '10.0.0.2', ...unchecked};
  const names = (before: string, rows: readonly Changes[], after = before) =>
    carry(before, rows, after).map(row => row.srv_name);

  test('one that is carried -> carried too', () => {
    assert.deepEqual(names(tracking('a'), [{}, B]), ['a', 'b']);
    assert.deepEqual(names(tracking('web/a'), [{}, B]), ['a', 'b']);
  });

  test('one that tracks one that is carried -> carried too', () => {
    const c = {srv_name: 'c', srv_addr: '10.0.0.3', ...unchecked};
    assert.deepEqual(names(tracking('a', 'c 10.0.0.3:80 track b'), [{}, B, c]), ['a', 'b', 'c']);
  });

  test('one that changed -> not carried, since it would stay down alone', () => {
    const after = tracking('a').replace('80 check', '80 check inter 9s');
    assert.deepEqual(names(tracking('a'), [{}, B], after), []);
  });

  test('one of a name that nobody has, or each other -> not carried', () => {
    assert.deepEqual(names(tracking('nobody'), [{}, B]), ['a']);
    const circle = textOf('a 10.0.0.1:80 track b', 'b 10.0.0.2:80 track a');
    assert.deepEqual(names(circle, [unchecked, B]), []);
  });
});
