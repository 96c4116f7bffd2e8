import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {disableServers, hasDisabledOf} from '../../src/proxy/departed.ts';

const TEXT = `frontend f
  bind 127.0.0.1:80 # server x 10.0.0.1:80
peers p
  server here 10.0.0.1:1024
backend web
  server a 10.0.0.1:80 check # the first
  server b [2001:db8:0::1]:80
  server c 10.0.0.10:80
listen l
  server a ipv4@10.0.0.1:81`;

describe('servers of pods that left', () => {
  test('on one of the addresses -> disabled, whatever the spelling; comments and everything else stay', () => {
    assert.equal(
      disableServers(TEXT, ['10.0.0.1', '2001:db8::1']),
      TEXT.replace('80 check #', '80 check disabled #')
        .replace('::1]:80', '::1]:80 disabled')
        .replace('10.0.0.1:81', '10.0.0.1:81 disabled'),
    );
  });

  test('nobody left -> the text as it was', () => {
    assert.equal(disableServers(TEXT, []), TEXT);
    assert.equal(disableServers(TEXT, ['10.0.0.9']), TEXT);
  });

  test('a text and what became of it -> known again, whoever left; any other text is not', () => {
    for (const ips of [[], ['10.0.0.1'], ['10.0.0.10', '2001:db8::1']]) {
      assert.equal(hasDisabledOf(TEXT, disableServers(TEXT, ips)), true);
    }
    assert.equal(hasDisabledOf(disableServers(TEXT, ['10.0.0.1']), TEXT), false);
    for (const other of ['', `${TEXT}\n`, TEXT.replace('check', 'backup'), TEXT.replace('a ipv4', 'b ipv4')]) {
      assert.equal(hasDisabledOf(TEXT, other), false);
    }
  });
});
