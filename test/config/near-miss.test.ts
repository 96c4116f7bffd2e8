import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {findNearMisses} from '../../src/config/near-miss.ts';

const SETTINGS = new Set(
  (
    'TTL IP ID EIP API DATA PORT STATUS_PORT DAMPER DAMPER_MAX SETTLE_MS LOG DRAIN TEMPLATE TOKEN_FILE RELOAD CERTS ' +
    'PING_TOKEN_FILE ETCD ETCD_CA_FILE SERVICEACCOUNT LABELS HAPROXY MODE'
  )
    .split(' ')
    .map(name => `KONTROL_${name}`),
);

const meantBy = (given: string): string | undefined => findNearMisses([given], SETTINGS)[0]?.meant;

describe('a name in the environment', () => {
  for (const [given, meant] of [
    ['KONTROL_TLL', 'KONTROL_TTL'],
    ['KONTROL_TTLS', 'KONTROL_TTL'],
    ['KONTROL_TTL_MS', 'KONTROL_TTL'],
    ['KONTROL_TTL_SECONDS', 'KONTROL_TTL'],
    ['kontrol_ttl', 'KONTROL_TTL'],
    ['Kontrol_Status_Port', 'KONTROL_STATUS_PORT'],
    ['KONTROL-TTL', 'KONTROL_TTL'],
    ['KONTORL_TTL', 'KONTROL_TTL'],
    ['KONTROLL_DATA', 'KONTROL_DATA'],
    ['KONTROL_STATUSPORT', 'KONTROL_STATUS_PORT'],
    ['KONTROL_DAMPNER', 'KONTROL_DAMPER'],
    ['KONTROL_MAX_DAMPER', undefined],
    ['KONTROL_DAMPERMAX', 'KONTROL_DAMPER_MAX'],
    ['KONTROL_SETTLE', 'KONTROL_SETTLE_MS'],
    ['KONTROL_TOKEN', 'KONTROL_TOKEN_FILE'],
    ['KONTROL_PING_TOKENS_FILE', 'KONTROL_PING_TOKEN_FILE'],
    ['KONTROL_ETCD_CA', 'KONTROL_ETCD_CA_FILE'],
    ['KONTROL_TEMPLATE_FILE', 'KONTROL_TEMPLATE'],
    ['KONTROL_DATA_DIR', 'KONTROL_DATA'],
    ['KONTROL_SERVICE_ACCOUNT', 'KONTROL_SERVICEACCOUNT'],
    ['KONTROL_LABLES', 'KONTROL_LABELS'],
    ['KONTROL_HA_PROXY', 'KONTROL_HAPROXY'],
  ] as const) {
    test(`${given} -> ${meant === undefined ? 'far from all' : `${meant} is meant`}`, () =>
      assert.equal(meantBy(given), meant));
  }

  for (const given of [
    'KONTROL_TTL',
    'KONTROL_SERVICE_HOST',
    'KONTROL_SERVICE_PORT',
    'KONTROL_SERVICE_PORT_HTTP',
    'KONTROL_PORT_8000_TCP',
    'KONTROL_PORT_8000_TCP_ADDR',
    'KONTROL_PORT_8000_TCP_PORT',
    'KONTROL_PORT_53_UDP_PROTO',
    'KONTROL_STATUS_SERVICE_HOST',
    'KONTROL_COLOR',
    'KONTROL_IPV6',
    'KONTROL_REGION',
    'KONTROL',
    'CONTROL_TTL',
    'TTL',
    'PATH',
    'KUBERNETES_PORT',
    'KONTOR_COLOR',
    '',
  ]) {
    test(`${given || '(none)'} -> nothing to say`, () => assert.equal(meantBy(given), undefined));
  }
});
