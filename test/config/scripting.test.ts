import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createReader} from '../../src/config/reader.ts';
import {parseScripting} from '../../src/config/scripting.ts';

const parse = (env: Record<string, string>) => {
  const reader = createReader(env);
  const settings = parseScripting(reader, path => (path.startsWith('/') ? path : `/cwd/${path}`));
  return {...settings, faults: reader.faults, warnings: reader.warnings};
};

describe('settings of scripts', () => {
  test('nothing set -> the places of 2017, everything else off', () => {
    assert.deepEqual(parse({}), {
      socketPath: '/tmp/sock',
      telegrafConf: '/etc/telegraf/telegraf.conf',
      callback: undefined,
      script: undefined,
      statsd: undefined,
      faults: [],
      warnings: [],
    });
  });

  test('a socket path of 97 bytes -> refused; of 96 it is fine', () => {
    assert.deepEqual(parse({KONTROL_SOCKET: `/${'x'.repeat(95)}`}).faults, []);
    assert.match(
      parse({KONTROL_SOCKET: `/${'x'.repeat(96)}`}).faults[0] ?? '',
      /KONTROL_SOCKET .* longer than 96 bytes/,
    );
  });

  test('fault 7: KONTROL_SCRIPT without a token -> refused; with one, on; a token alone switches nothing on', () => {
    assert.match(parse({KONTROL_SCRIPT: 'on'}).faults[0] ?? '', /KONTROL_SCRIPT is on without KONTROL_TOKEN_FILE/);
    assert.deepEqual(parse({KONTROL_SCRIPT: 'on', KONTROL_TOKEN_FILE: 'token'}).script, {tokenFile: '/cwd/token'});
    assert.equal(parse({KONTROL_TOKEN_FILE: '/token'}).script, undefined);
    assert.match(parse({KONTROL_SCRIPT: 'yes'}).faults[0] ?? '', /KONTROL_SCRIPT "yes" is none of off, on/);
  });

  for (const [env, callback] of [
    [{KONTROL_CALLBACK: 'do it'}, 'do it'],
    [{KONTROL_CALLBACK: 'do it', KONTROL_SHELL_CALLBACK: '1'}, 'do it'],
    [{KONTROL_SHELL_CALLBACK: 'do it'}, 'do it'],
    [{KONTROL_SHELL_CALLBACK: 'true'}, undefined],
  ] as const) {
    test(`callback of ${JSON.stringify(env)} -> ${callback}`, () => {
      assert.deepEqual([parse(env).callback, parse(env).warnings], [callback, []]);
    });
  }

  test('two callbacks -> the first, with a warning', () => {
    const {callback, warnings} = parse({KONTROL_CALLBACK: 'a', KONTROL_SHELL_CALLBACK: 'b'});
    assert.deepEqual([callback, warnings.length], ['a', 1]);
  });

  test('statsd -> off, on, or an address', () => {
    assert.deepEqual(parse({KONTROL_STATSD: 'on'}).statsd, {host: '127.0.0.1', port: 8125});
    assert.deepEqual(parse({KONTROL_STATSD: '10.0.0.1:9125'}).statsd, {host: '10.0.0.1', port: 9125});
    assert.deepEqual(parse({KONTROL_STATSD: '[::1]:9125'}).statsd, {host: '::1', port: 9125});
    for (const wrong of ['yes', 'host:8125', '10.0.0.1', '10.0.0.1:0', '10.0.0.1:70000']) {
      assert.equal(parse({KONTROL_STATSD: wrong}).faults.length, 1, wrong);
    }
  });
});
