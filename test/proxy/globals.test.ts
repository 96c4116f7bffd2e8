import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parseGlobals} from '../../src/proxy/globals.ts';

test('globals, none set -> HAProxy’s defaults', () => {
  assert.deepEqual(parseGlobals('defaults\n    mode http\nlisten daemon\n    bind :80\n'), {
    noreuseport: false,
    nbproc: 1,
    daemon: false,
    masterWorker: false,
    pidfile: undefined,
    hardStopAfter: false,
    statsTimeoutIsSet: false,
    statsMaxconns: [],
    statsSockets: [],
  });
});

test('globals, several global sections -> all are read, the last one wins', () => {
  const text = `
global
    daemon
    nbproc 2
    pidfile /run/a.pid
    stats socket /run/a.sock mode 600
    stats timeout 30s
    stats maxconn 20
    stats maxconn "$CONNECTIONS"
defaults
    noreuseport
global
    noreuseport
    master-worker
    nbproc 4
    pidfile "/run/b.pid"
    stats socket "/run/b.sock"
    stats maxconn 5
`;
  assert.deepEqual(parseGlobals(text), {
    noreuseport: true,
    nbproc: 4,
    daemon: true,
    masterWorker: true,
    pidfile: '/run/b.pid',
    hardStopAfter: false,
    statsTimeoutIsSet: true,
    statsMaxconns: [20, NaN, 5],
    statsSockets: ['/run/a.sock', '/run/b.sock'],
  });
});
