import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Row} from '../../src/proxy/answers.ts';
import {describeDeviation} from '../../src/proxy/deviation.ts';
import {readExpectedServers} from '../../src/proxy/drift.ts';
import {compareSettings} from '../../src/proxy/server-settings.ts';
import {atOnce} from '../../src/steps.ts';

const rowOf = (row: Readonly<Record<string, string>>): Row => ({
  be_name: 'web',
  srv_name: 'a',
  srv_check_state: '6',
  srv_agent_state: '0',
  ...row,
});

const textOf = (server: string): string => `backend web\n  server ${server}\n`;

/** What is said of the second row, the first having been seen, in words. */
function compare(text: string, was: Row, is: Row, later = text): string[] {
  const {seen} = atOnce(compareSettings(atOnce(readExpectedServers(text)), [was], new Map()));
  return atOnce(compareSettings(atOnce(readExpectedServers(later)), [is], seen)).deviations.map(describeDeviation);
}

describe('settings of a server that were changed by hand', () => {
  for (const [name, was, is, said] of [
    ['nothing', {}, {srv_check_state: '7'}, []],
    ['ssl off', {srv_use_ssl: '1'}, {srv_use_ssl: '0'}, ['web/a has TLS off, not TLS on']],
    ['check-port', {srv_check_port: '99'}, {srv_check_port: '77'}, ['web/a has check port 77, not check port 99']],
    [
      'check-port, none before',
      {srv_check_port: '0'},
      {srv_check_port: '77'},
      ['web/a has check port 77, not no check port'],
    ],
    [
      'check-addr',
      {srv_check_addr: '-'},
      {srv_check_addr: '10.0.0.9'},
      ['web/a has check address 10.0.0.9, not no check address'],
    ],
    [
      'agent-addr',
      {srv_agent_addr: '10.0.0.9'},
      {srv_agent_addr: '-'},
      ['web/a has no agent address, not agent address 10.0.0.9'],
    ],
    ['agent-port', {srv_agent_port: '1'}, {srv_agent_port: '9'}, ['web/a has agent port 9, not agent port 1']],
    ['another server of its name, without checks', {}, {srv_check_state: '0'}, ['web/a has checks off, not checks on']],
    ['disable dynamic-cookie', {cookie: '4dd7'}, {cookie: ''}, ['web/a has no cookie, not the cookie of its start']],
    [
      'set dynamic-cookie-key',
      {cookie: '4dd7'},
      {cookie: 'bc63'},
      ['web/a has another cookie, not the cookie of its start'],
    ],
    ['so many servers that statistics are not asked', {cookie: '4dd7'}, {}, []],
  ] as const) {
    test(`${name} -> ${said.join(', ') || 'none'}`, () => {
      assert.deepEqual(compare(textOf('a 10.0.0.1:80 check'), rowOf(was), rowOf(is)), said);
    });
  }

  const [plain, secured] = [
    {srv_use_ssl: '0', cookie: '1'},
    {srv_use_ssl: '1', cookie: '2'},
  ].map(rowOf) as [Row, Row];

  test('the text has other options for it, or had -> as it is seen then', () => {
    const [before, after] = ['a 10.0.0.1:80', 'a 10.0.0.1:80 ssl'].map(textOf) as [string, string];
    assert.deepEqual(compare(before, plain, secured, after), []);
  });

  test('it moved, and weighs more -> compared all the same', () => {
    const [before, after] = ['a 10.0.0.1:80', 'a 10.0.0.2:80 weight 2'].map(textOf) as [string, string];
    assert.deepEqual(compare(before, plain, {...plain, srv_use_ssl: '1'}, after), ['web/a has TLS on, not TLS off']);
  });

  test('its address comes from DNS -> its cookie is not compared', () => {
    assert.deepEqual(compare(textOf('a web.local:80 resolvers r'), plain, {...plain, cookie: '2'}), []);
  });

  test('a text with conditions -> its cookie is not compared, the rest is', () => {
    assert.deepEqual(compare(`.if 1\n.endif\n${textOf('a 10.0.0.1:80')}`, plain, secured), [
      'web/a has TLS on, not TLS off',
    ]);
  });

  test('one name on two lines -> compared with neither', () => {
    assert.deepEqual(compare(`${textOf('a 10.0.0.1:80')}  server a 10.0.0.2:80 ssl\n`, plain, secured), []);
  });

  test("HAProxy's own backends -> not compared", () => {
    const own = {be_name: '<HTTPCLIENT>'};
    assert.deepEqual(compare(textOf('a 10.0.0.1:80'), {...plain, ...own}, {...secured, ...own}), []);
  });
});
