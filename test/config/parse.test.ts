import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parseConfig} from '../../src/config/parse.ts';
import {DaemonError} from '../../src/errors.ts';

const LABELS = '{"app": "haproxy", "role": "balancer"}';
const GOOD = {KONTROL_LABELS: LABELS, KONTROL_TEMPLATE: 'frontend web\n  bind :80\n'};
const HOST = {
  hostname: 'node-7',
  readText: () => undefined,
  resolvePath: (path: string) => (path.startsWith('/') ? path : `/cwd/${path}`),
};

const parse = (env: Record<string, string | undefined> = {}) => parseConfig({...GOOD, ...env}, HOST);

/** The message of the fault that this environment has. */
function faultOf(env: Record<string, string | undefined>): string {
  try {
    parse(env);
  } catch (error) {
    assert.ok(error instanceof DaemonError && error.code === 'CONFIG');
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  return assert.fail('no fault');
}

test('config, labels and template only -> the defaults of 2017, frozen', () => {
  const {config, warnings} = parse();
  assert.deepEqual(warnings, []);
  const {port, statusPort, ttlMs, damperMs, damperMaxMs, warmupMs, lingerMs, graceMs, settleMs} = config;
  assert.deepEqual(
    {port, statusPort, ttlMs, damperMs, damperMaxMs, warmupMs, lingerMs, graceMs, settleMs},
    {
      port: 8000,
      statusPort: 8001,
      ttlMs: 25_000,
      damperMs: 10_000,
      damperMaxMs: 40_000,
      warmupMs: 18_750,
      lingerMs: 5000,
      graceMs: 25_000,
      settleMs: 20,
    },
  );
  assert.deepEqual(config.mode, {master: true, slave: false});
  assert.deepEqual(config.drain, {maxAgeMs: 3_600_000, maxCount: 16});
  assert.deepEqual([config.dataFolder, config.payloadFile, config.haproxy], ['/data', '/data/state.json', 'haproxy']);
  assert.deepEqual([config.self.namespace, config.self.id, config.self.ip], ['default', 'node-7', undefined]);
  assert.deepEqual([config.maxMembers, config.maxPayloadBytes], [20_000, 16 << 20]);
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.self.labels) && Object.isFrozen(config.mode));
});

test('config, what the pod is -> from the environment', () => {
  const {self} = parse({
    NAMESPACE: 'ads',
    HOSTNAME: 'haproxy-1',
    KONTROL_IP: 'FD00::5',
    KONTROL_ANNOTATIONS: '{"a/b": "c"}',
    KONTROL_NODE_LABELS: '{"zone": "a"}',
    KONTROL_EIP: '1.2.3.4',
  }).config;
  assert.deepEqual([self.namespace, self.id, self.ip, self.eip], ['ads', 'haproxy-1', 'FD00::5', '1.2.3.4']);
  assert.deepEqual(
    [self.app, self.role, self.annotations, self.node.labels],
    ['haproxy', 'balancer', {'a/b': 'c'}, {zone: 'a'}],
  );
  assert.equal(parse({HOSTNAME: 'haproxy-1', KONTROL_ID: 'given'}).config.self.id, 'given');
});

for (const [mode, expected, logLevel] of [
  ['master', {master: true, slave: false}, 'info'],
  ['master,slave', {master: true, slave: true}, 'info'],
  [' slave , verbose ', {master: false, slave: true}, 'debug'],
  ['master,debug', {master: true, slave: false}, 'trace'],
  ['master,debug,verbose,', {master: true, slave: false}, 'trace'],
] as const) {
  test(`KONTROL_MODE="${mode}" -> ${JSON.stringify(expected)} at ${logLevel}`, () => {
    const {config} = parse({KONTROL_MODE: mode});
    assert.deepEqual([config.mode, config.logLevel], [expected, logLevel]);
  });
}

for (const [env, reason] of [
  [{KONTROL_MODE: 'master,server'}, /KONTROL_MODE server is none of master, slave, debug, verbose/],
  [{KONTROL_MODE: 'debug'}, /names neither master nor slave/],
  [{KONTROL_LABELS: undefined}, /no label "app".*; KONTROL_LABELS has no label "role"/],
  [{KONTROL_LABELS: '{"app": "haproxy", "role": ""}'}, /no label "role"/],
  [{KONTROL_LABELS: '["app"]'}, /KONTROL_LABELS is not a JSON object of strings/],
  [{KONTROL_LABELS: '{"app": 1, "role": "x"}'}, /is not a JSON object of strings/],
  [{KONTROL_ANNOTATIONS: '{'}, /KONTROL_ANNOTATIONS is not a JSON object/],
  [{KONTROL_TEMPLATE: undefined}, /there is no template: set the annotation haproxy.unity3d.com\/config or/],
  [{KONTROL_IP: '10.0.0.300'}, /KONTROL_IP "10.0.0.300" is not an IP address/],
  [{KONTROL_PORT: '65536'}, /KONTROL_PORT "65536" is not a whole number from 0 to 65535/],
  [{KONTROL_STATUS_PORT: '65536'}, /KONTROL_STATUS_PORT "65536" is not a whole number from 0 to 65535/],
  [{KONTROL_PORT: '80.5'}, /KONTROL_PORT "80.5" is not a whole number/],
  [{KONTROL_TTL: '0'}, /KONTROL_TTL "0" is not a number of seconds from 1 to 3600/],
  [{KONTROL_TTL: '25s'}, /KONTROL_TTL "25s" is not a number/],
  [{KONTROL_DAMPER: '-1'}, /KONTROL_DAMPER "-1"/],
  [{KONTROL_DRAIN: 'never'}, /KONTROL_DRAIN "never" is not <seconds> or <seconds>,<generations>/],
  [{KONTROL_DRAIN: '60,0'}, /KONTROL_DRAIN "60,0"/],
  [{KONTROL_RELOAD: 'fast'}, /KONTROL_RELOAD "fast" is none of auto, /],
  [{KONTROL_DATA: `/${'x'.repeat(90)}`}, /KONTROL_DATA .* is longer than \d+ bytes/],
  [
    {KONTROL_MODE: 'slave', KONTROL_ANNOTATIONS: '{"kontrol.unity3d.com/master": "haproxy"}'},
    /KONTROL_IP is not set: the slave role/,
  ],
  [
    {KONTROL_MODE: 'slave', KONTROL_IP: '10.0.0.1', KONTROL_ANNOTATIONS: '{"kontrol.unity3d.com/master": "a b"}'},
    /kontrol.unity3d.com\/master: "a b" is not a host or host:port/,
  ],
] as const) {
  test(`config, ${JSON.stringify(env).slice(0, 80)} -> ${reason.source}`, () => assert.match(faultOf(env), reason));
}

test('config, whose errors are meant -> names, each once', () => {
  assert.deepEqual(parse().config.errorBound, {percent: 10, windowMs: 60_000, meant: []});
  assert.deepEqual(parse({KONTROL_5XX_MEANT: 'maint, sorry ,,maint'}).config.errorBound.meant, ['maint', 'sorry']);
});

test('config, who is not judged -> names, each once', () => {
  assert.deepEqual(parse().config.notJudged, []);
  assert.deepEqual(parse({KONTROL_NOT_JUDGED: 'polls, batch ,,batch'}).config.notJudged, ['polls', 'batch']);
  assert.match(parse({KONTROL_NOTJUDGED: 'polls'}).warnings.join(), /KONTROL_NOT_JUDGED/);
});

test('config, names of the status port -> in lower case, each once; one with a port -> a fault', () => {
  assert.deepEqual(parse().config.statusHosts, []);
  const given = {KONTROL_STATUS_HOSTS: 'Status.example.test, proxy ,,proxy'};
  assert.deepEqual(parse(given).config.statusHosts, ['status.example.test', 'proxy']);
  assert.match(faultOf({KONTROL_STATUS_HOSTS: 'a, b:80, *'}), /KONTROL_STATUS_HOSTS: b:80, \* is no host name/);
});

test('config, blocks of members -> as blocks; what is none -> a fault', () => {
  assert.deepEqual(parse().config.memberRanges, []);
  const [range] = parse({KONTROL_MEMBER_RANGES: '240.0.0.0/4'}).config.memberRanges;
  assert.deepEqual(range, {octets: [240, 0, 0, 0], bits: 4});
  assert.match(faultOf({KONTROL_MEMBER_RANGES: '10.0.0.0/8, 10.1/16'}), /KONTROL_MEMBER_RANGES: 10\.1\/16 is no block/);
});

test('config, several faults -> all of them in one message', () => {
  const message = faultOf({KONTROL_TTL: 'x', KONTROL_IP: 'y', KONTROL_LABELS: '{}', KONTROL_MODE: 'z'});
  for (const part of ['KONTROL_TTL', 'KONTROL_IP', '"app"', '"role"', 'KONTROL_MODE'])
    assert.ok(message.includes(part));
});

test('config, service variables of Kubernetes -> ignored with a warning each', () => {
  const {config, warnings} = parse({KONTROL_PORT: 'tcp://10.0.0.1:8000', KONTROL_STATUS_PORT: 'udp://10.0.0.1:53'});
  assert.deepEqual([config.port, config.statusPort], [8000, 8001]);
  assert.equal(warnings.length, 2);
  assert.match(warnings[0] ?? '', /^KONTROL_PORT=tcp:\/\/10.0.0.1:8000 is Kubernetes' own service variable/);
});

test('config, KONTROL_HOST and KONTROL_FOVER of 2017 -> accepted and ignored', () => {
  assert.deepEqual(parse({KONTROL_HOST: 'etcd:2379', KONTROL_FOVER: '60'}).warnings, []);
});

test("config, a name that is nearly a setting -> told with the one that is meant; a variable of its own is nobody's business", () => {
  const {config, warnings} = parse({
    KONTROL_TLL: '5',
    KONTROL_COLOR: 'blue',
    KONTROL_PORT_8000_TCP: 'tcp://10.0.0.1:1',
  });
  assert.equal(config.ttlMs, 25_000);
  assert.deepEqual(warnings, ['KONTROL_TLL is no setting and is not read: rename it if KONTROL_TTL is meant']);
  assert.match(
    faultOf({KONTROL_LABELS: '', KONTROL_LABLES: LABELS}),
    /"app".*KONTROL_LABLES is no setting.*KONTROL_LABELS/,
  );
});

test('config, Kubernetes\' variables of a Service "kontrol-api" -> no near misses', () => {
  const env = {
    KONTROL_API_PORT: 'tcp://10.0.0.1:80',
    KONTROL_API_SERVICE_HOST: '10.0.0.1',
    KONTROL_API_PORTS: 'tcp://x',
  };
  assert.deepEqual(parse(env).warnings, []);
});

for (const [env, fault] of [
  [{KONTROL_ACCESS_LOG: 'yes'}, 'KONTROL_ACCESS_LOG "yes" is not on, off or a whole number from 0 to 65535'],
  [{KONTROL_SPARE_SERVERS: 'many'}, 'KONTROL_SPARE_SERVERS "many" is not auto or a whole number from 0 to 254'],
  [
    {KONTROL_PORT: '8001', KONTROL_STATUS_PORT: '8001'},
    'KONTROL_PORT and KONTROL_STATUS_PORT are both 8001: each needs a port of its own',
  ],
] as const) {
  test(`config, ${JSON.stringify(env)} -> what would be right`, () => {
    assert.equal(faultOf(env), `cannot read the configuration: ${fault}`);
  });
}

test('config, ports of 0, or of a slave alone that pings a master there -> no clash', () => {
  assert.equal(parse({KONTROL_PORT: '0', KONTROL_STATUS_PORT: '0'}).config.port, 0);
  const env = {KONTROL_MODE: 'slave', KONTROL_LABELS: LABELS, KONTROL_IP: '10.0.0.9', KONTROL_PORT: '8001'};
  assert.equal(parseConfig(env, HOST).config.statusPort, 8001);
});

test('config, a damper above its maximum -> the maximum follows', () => {
  const {config} = parse({KONTROL_DAMPER: '5', KONTROL_DAMPER_MAX: '1'});
  assert.deepEqual([config.damperMs, config.damperMaxMs], [5000, 5000]);
});

test('template, by what it looks like -> text or file; the annotation where no variable is', () => {
  assert.deepEqual(parse({KONTROL_TEMPLATE: 'proxy.j2'}).config.template, {is: 'file', path: '/cwd/proxy.j2'});
  for (const text of ['a\nb', 'x {{ hosts }}', '{% if a %}', '{# note #}']) {
    assert.deepEqual(parse({KONTROL_TEMPLATE: text}).config.template, {is: 'text', text, from: 'KONTROL_TEMPLATE'});
  }
  const annotations = JSON.stringify({'haproxy.unity3d.com/config': 'frontend web'});
  const {config} = parse({KONTROL_TEMPLATE: undefined, KONTROL_ANNOTATIONS: annotations});
  assert.deepEqual(config.template, {is: 'annotation'});
});

test('slave mode -> no template needed; masters of every form', () => {
  const master = 'haproxy.default.svc, 10.0.0.1:9000,fd00::1 , [fd00::2]:9001';
  const {config} = parseConfig(
    {
      KONTROL_LABELS: LABELS,
      KONTROL_MODE: 'slave',
      KONTROL_IP: '10.0.0.9',
      KONTROL_ANNOTATIONS: JSON.stringify({'kontrol.unity3d.com/master': master}),
    },
    HOST,
  );
  assert.equal(config.template, undefined);
  assert.deepEqual(config.masters, [
    {host: 'haproxy.default.svc', port: 8000},
    {host: '10.0.0.1', port: 9000},
    {host: 'fd00::1', port: 8000},
    {host: 'fd00::2', port: 9001},
  ]);
});

test('template environment -> KONTROL_* only, in order', () => {
  const {config} = parse({KONTROL_Z: '1', KONTROL_A: '2', AWS_SECRET: 'x'});
  assert.deepEqual(
    Object.keys(config.env).filter(name => !(name in GOOD)),
    ['KONTROL_A', 'KONTROL_Z'],
  );
});
