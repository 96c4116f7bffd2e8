import assert from 'node:assert/strict';
import {test} from 'node:test';
import {deriveBlockEnvironment} from '../../src/config/block-environment.ts';
import {parseConfig} from '../../src/config/parse.ts';

const LIVE = {labels: {}, annotations: {}, nodeLabels: {}, nodeAnnotations: {}};
const environmentOf = (env: Record<string, string>) =>
  deriveBlockEnvironment(
    parseConfig(
      {KONTROL_LABELS: '{"app":"haproxy","role":"proxy"}', KONTROL_TEMPLATE: '/t.j2', HOSTNAME: 'haproxy-1', ...env},
      {hostname: 'node-7', readText: () => undefined, resolvePath: path => path},
    ).config,
    LIVE,
  );

test("block environment, nothing set -> what the start script of 2017 exported, with this daemon's values", () => {
  const {KONTROL_PORT, KONTROL_TTL, KONTROL_DAMPER, KONTROL_FOVER, NAMESPACE, KONTROL_ID} = environmentOf({});
  assert.deepEqual(
    {KONTROL_PORT, KONTROL_TTL, KONTROL_DAMPER, KONTROL_FOVER, NAMESPACE, KONTROL_ID},
    {
      KONTROL_PORT: '8000',
      KONTROL_TTL: '25',
      KONTROL_DAMPER: '10',
      KONTROL_FOVER: '60',
      NAMESPACE: 'default',
      KONTROL_ID: 'haproxy-1',
    },
  );
});

test('block environment, set -> as it is in force', () => {
  const {KONTROL_PORT, KONTROL_TTL, KONTROL_DAMPER, KONTROL_FOVER} = environmentOf({
    KONTROL_PORT: '8010',
    KONTROL_TTL: '2.5',
    KONTROL_DAMPER: '0',
    KONTROL_FOVER: '90',
  });
  assert.deepEqual([KONTROL_PORT, KONTROL_TTL, KONTROL_DAMPER, KONTROL_FOVER], ['8010', '2.5', '0', '90']);
});
