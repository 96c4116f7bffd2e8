import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Capabilities} from '../../src/reload/capabilities.ts';
import {socketKey} from '../../src/reload/listeners.ts';
import {type OldSide, type PlanInput, planReload, type ReloadPlan} from '../../src/reload/plan.ts';
import {derivePlanSide} from '../../src/reload/planner.ts';

const KERNEL = {bindV6Only: false};

const CAPABLE: Capabilities = {
  haproxy: {version: '1.7.5', build: 'linux2628', transfer: false},
  gate: {is: 'able', families: ['ipv4', 'ipv6'], variant: 'nf_tables 1.8.9'},
  netAdmin: true,
  migrate: false,
  bindOnly: {able: true, why: null},
  lowPorts: true,
  bindV6Only: false,
};
const TRANSFER = {haproxy: {version: '2.6.12', build: 'linux-glibc', transfer: true}};
const MIGRATE = {migrate: true};
const NO_GATE = {gate: {is: 'unable', why: 'it needs root'}} as const;
const NO_BIND = {bindOnly: {able: false, why: 'this Node has no bind-only call'}};

const WEB = 'frontend web\n  bind *:80\n';
const TWO = 'frontend web\n  bind *:80\n  bind *:81 interface eth0\n';
const NOREUSE = `global\n  noreuseport\n${WEB}`;
const ABSTRACT = `${WEB}  bind abns@x\n`;

/** What listens: all of a text's sockets inherited, or none; by default it runs the same text. */
const oldOf = (text: string, {inherits = true, offers = true, ports = [] as number[]} = {}): OldSide => {
  const side = derivePlanSide(text, KERNEL);
  const sockets = side.listeners.flatMap(one => (one.obstacle === undefined ? one.sockets : []));
  return {
    ...side,
    inherited: new Set(inherits ? sockets.map(socketKey) : []),
    ports: [...side.listeners.flatMap(one => one.ports), ...ports],
    offers,
  };
};

interface Case {
  readonly name: string;
  readonly capable?: Partial<Capabilities>;
  readonly setting?: PlanInput['setting'];
  readonly next?: string;
  readonly old?: OldSide | undefined;
  readonly refused?: string;
  /** `way`, then a way a listener, `+` for one that inherits. */
  readonly ways: string;
  readonly gated?: readonly number[];
  readonly serial?: true;
  readonly transfers?: true;
  readonly why: RegExp;
}

const FRESH = {old: undefined};
const BOUND_ITSELF = oldOf(WEB, {inherits: false});

const CASES: readonly Case[] = [
  {
    name: 'auto, 2.6',
    capable: TRANSFER,
    old: BOUND_ITSELF,
    ways: 'transfer: transfer',
    transfers: true,
    why: /^HAProxy 2\.6\.12 hands/,
  },
  {name: 'auto, 2.6, first start', capable: TRANSFER, ...FRESH, ways: 'transfer: transfer', why: /hands/},
  {
    name: 'auto, 2.6, old does not answer',
    capable: TRANSFER,
    old: oldOf(WEB, {offers: false, inherits: false}),
    ways: 'syn-drop: syn-drop+',
    gated: [80],
    why: /does not offer its sockets/,
  },
  {
    name: 'auto, 2.6, the old one inherited',
    capable: TRANSFER,
    ways: 'inherit: inherit+',
    why: /no transfer: the running HAProxy inherited its sockets/,
  },
  {
    name: 'auto, 2.6, noreuseport',
    capable: TRANSFER,
    next: NOREUSE,
    old: BOUND_ITSELF,
    ways: 'transfer: transfer',
    transfers: true,
    why: /hands/,
  },
  {
    name: 'auto, 2.6, an abstract socket stays',
    capable: TRANSFER,
    next: ABSTRACT,
    old: oldOf(ABSTRACT, {inherits: false}),
    ways: 'transfer: transfer',
    transfers: true,
    why: /hands/,
  },
  {name: 'auto, kernel migrates', capable: MIGRATE, ways: 'migrate: migrate', why: /tcp_migrate_req is 1/},
  {
    name: 'auto, kernel migrates, noreuseport',
    capable: MIGRATE,
    next: NOREUSE,
    old: oldOf(NOREUSE),
    ways: 'inherit: inherit+',
    why: /no migrate: noreuseport/,
  },
  {
    name: 'auto, 1.7.5',
    ways: 'inherit: inherit+',
    why: /sockets that the daemon owns; no transfer: HAProxy 1\.7\.5 has no -x; no migrate/,
  },
  {name: 'auto, 1.7.5, first start', ...FRESH, ways: 'inherit: inherit+', why: /owns/},
  {
    name: 'auto, a bind that cannot be inherited',
    next: TWO,
    old: oldOf(TWO),
    ways: 'syn-drop: inherit+ syn-drop',
    gated: [81],
    why: /"interface" is HAProxy's to set/,
  },
  {
    name: 'auto, a bind that cannot be inherited, no gate',
    capable: NO_GATE,
    next: TWO,
    old: oldOf(TWO),
    ways: 'plain: inherit+ plain',
    why: /it needs root/,
  },
  {
    name: 'auto, port in use',
    refused: 'cannot bind 0.0.0.0:80: EADDRINUSE',
    ways: 'syn-drop: syn-drop',
    gated: [80],
    why: /EADDRINUSE/,
  },
  {
    name: 'auto, no bind-only call',
    capable: NO_BIND,
    ways: 'syn-drop: syn-drop',
    gated: [80],
    why: /this Node has no bind-only call/,
  },
  {
    name: 'auto, no bind-only call, no gate',
    capable: {...NO_BIND, ...NO_GATE},
    ways: 'plain: plain',
    why: /no classic: SYN/,
  },
  {
    name: 'auto, take-over from one that bound it itself',
    old: BOUND_ITSELF,
    ways: 'syn-drop: syn-drop+',
    gated: [80],
    why: /taken over once/,
  },
  {
    name: 'auto, take-over, no gate',
    capable: NO_GATE,
    old: BOUND_ITSELF,
    ways: 'plain: plain+',
    why: /taken over once/,
  },
  {
    name: 'inherit asked for, take-over, kernel migrates',
    capable: MIGRATE,
    setting: 'inherit',
    old: BOUND_ITSELF,
    ways: 'migrate: migrate+',
    why: /asks for inherit.*taken over once/,
  },
  {
    name: 'auto, a listener comes',
    next: TWO.replace(' interface eth0', ''),
    ways: 'inherit: inherit+ inherit+',
    why: /owns/,
  },
  {
    name: 'auto, a listener goes',
    old: oldOf(`${WEB}  bind *:90\n`),
    ways: 'inherit: inherit+',
    gated: [90],
    why: /owns/,
  },
  {
    name: 'auto, one comes, one goes, one stays',
    next: `${WEB}  bind *:91\n`,
    old: oldOf(`${WEB}  bind *:90\n`),
    ways: 'inherit: inherit+ inherit+',
    gated: [90],
    why: /owns/,
  },
  {
    name: 'auto, another address on the port',
    next: 'frontend web\n  bind 10.0.0.1:80\n',
    ways: 'syn-drop: syn-drop+',
    gated: [80],
    why: /10\.0\.0\.1:80 is taken over once/,
  },
  {
    name: 'auto, a range and IPv6',
    next: 'frontend w\n  bind [::]:80,*:8000-8002\n',
    ...FRESH,
    ways: 'inherit: inherit+ inherit+',
    why: /owns/,
  },
  {
    name: 'auto, a name',
    next: 'frontend w\n  bind localhost:80\n',
    ways: 'syn-drop: syn-drop',
    gated: [80],
    why: /its name is resolved by HAProxy/,
  },
  {
    name: 'auto, the same address twice',
    next: `${WEB}frontend two\n  bind *:80\n`,
    ways: 'syn-drop: inherit+ syn-drop',
    gated: [80],
    why: /another bind has the same address/,
  },
  {
    name: 'auto, noreuseport and interface',
    next: `global\n  noreuseport\n${TWO}`,
    old: oldOf(`global\n  noreuseport\n${TWO}`),
    ways: 'classic: classic classic',
    gated: [80, 81],
    serial: true,
    why: /noreuseport forbids/,
  },
  {
    name: 'auto, noreuseport and interface, no gate',
    capable: NO_GATE,
    next: `global\n  noreuseport\n${TWO}`,
    old: oldOf(TWO),
    ways: 'plain: plain plain',
    serial: true,
    why: /noreuseport/,
  },
  {
    name: 'auto, only the old one says noreuseport',
    next: TWO,
    old: oldOf(`global\n  noreuseport\n${TWO}`),
    ways: 'classic: classic classic',
    gated: [80, 81],
    serial: true,
    why: /noreuseport/,
  },
  {
    name: 'auto, an abstract socket stays',
    next: ABSTRACT,
    old: oldOf(ABSTRACT),
    ways: 'classic: classic',
    gated: [80],
    serial: true,
    why: /abns@x at once/,
  },
  {name: 'auto, an abstract socket comes', next: ABSTRACT, ways: 'inherit: inherit+', why: /owns/},
  {
    name: 'auto, only a UNIX socket',
    next: 'frontend w\n  bind /run/w.sock\n',
    old: oldOf('frontend w\n  bind /run/w.sock\n'),
    ways: 'inherit:',
    why: /owns/,
  },
  {
    name: 'auto, peers and runtime sockets are no listeners of clients',
    next: `global\n  localpeer a\n  stats socket ipv4@127.0.0.1:9\npeers p\n  peer a 10.0.0.1:1024\n${WEB}`,
    ways: 'inherit: inherit+',
    why: /owns/,
  },
  {
    name: 'auto, adopted and listening on more',
    old: oldOf(WEB, {ports: [99]}),
    ways: 'inherit: inherit+',
    gated: [99],
    why: /owns/,
  },
  {
    name: 'transfer asked for, 1.7.5',
    setting: 'transfer',
    ways: 'inherit: inherit+',
    why: /^KONTROL_RELOAD asks for transfer; .*no -x/,
  },
  {
    name: 'migrate asked for, 2.6',
    capable: {...TRANSFER, ...MIGRATE},
    setting: 'migrate',
    ways: 'migrate: migrate',
    why: /asks for migrate/,
  },
  {
    name: 'inherit asked for, 2.6',
    capable: TRANSFER,
    setting: 'inherit',
    ways: 'inherit: inherit+',
    why: /asks for inherit/,
  },
  {
    name: 'syn-drop asked for',
    capable: {...TRANSFER, ...MIGRATE},
    setting: 'syn-drop',
    ways: 'syn-drop: syn-drop',
    gated: [80],
    why: /nf_tables 1\.8\.9 drops SYN packets on ipv4 and ipv6/,
  },
  {
    name: 'syn-drop asked for, no gate',
    capable: NO_GATE,
    setting: 'syn-drop',
    ways: 'plain: plain',
    why: /it needs root/,
  },
  {
    name: 'syn-drop asked for, noreuseport',
    setting: 'syn-drop',
    next: NOREUSE,
    old: oldOf(NOREUSE),
    ways: 'classic: classic',
    gated: [80],
    serial: true,
    why: /noreuseport/,
  },
  {
    name: 'classic asked for',
    setting: 'classic',
    ways: 'classic: classic',
    gated: [80],
    serial: true,
    why: /asks for classic/,
  },
  {
    name: 'classic asked for, no gate',
    capable: NO_GATE,
    setting: 'classic',
    ways: 'plain: plain',
    why: /it needs root/,
  },
  {
    name: 'plain asked for',
    capable: {...TRANSFER, ...MIGRATE},
    setting: 'plain',
    ways: 'plain: plain',
    why: /^KONTROL_RELOAD asks for plain$/,
  },
  {
    name: 'plain asked for, noreuseport',
    setting: 'plain',
    next: NOREUSE,
    old: oldOf(NOREUSE),
    ways: 'plain: plain',
    serial: true,
    why: /noreuseport/,
  },
];

const show = ({way, listeners}: ReloadPlan): string =>
  [`${way}:`, ...listeners.map(one => `${one.way}${one.inherits ? '+' : ''}`)].join(' ');

describe('plan of a reload', () => {
  for (const {name, capable, setting = 'auto', next = WEB, refused, ways, why, ...rest} of CASES) {
    test(`${name} -> ${ways}`, () => {
      const plan = planReload({
        setting,
        capabilities: {...CAPABLE, ...capable},
        next: derivePlanSide(next, KERNEL),
        old: 'old' in rest ? rest.old : oldOf(WEB),
        refusal: () => refused,
      });
      assert.equal(show(plan), ways);
      assert.deepEqual(plan.gatedPorts, rest.gated ?? []);
      assert.equal(plan.parallel, rest.serial === undefined);
      assert.equal(plan.transfers, rest.transfers === true);
      assert.match(plan.why, why);
    });
  }
});

describe('ports that are gated from the start on', () => {
  for (const [what, old, refused, ports] of [
    ['taken over beside an address that the daemon cannot bind', BOUND_ITSELF, '8000', [80]],
    ['taken over, all addresses bound', BOUND_ITSELF, 'none', []],
    ['shared with the old one, beside an address that the daemon cannot bind', oldOf(WEB), '8000', []],
    ['nothing listened before', undefined, '8000', []],
  ] as const) {
    test(`${what} -> ${ports.join() || 'none'}`, () => {
      const {gatedAtStart} = planReload({
        setting: 'auto',
        capabilities: CAPABLE,
        next: derivePlanSide(`${WEB}  bind *:8000\n`, KERNEL),
        old,
        refusal: key => (key.includes(` ${refused} `) ? 'EADDRINUSE' : undefined),
      });
      assert.deepEqual(gatedAtStart, ports);
    });
  }
});

describe('families that are gated', () => {
  const forced = (text: string): string => text.replace(/(bind \S+)/g, '$1 interface eth0');
  for (const [what, before, after, families] of [
    ['*:80', 'bind *:80', 'bind *:80', ['ipv4']],
    ['IPv6 alone', 'bind [::]:80 v6only', 'bind [::]:80 v6only', ['ipv6']],
    ['both in one', 'bind [::]:80 v4v6', 'bind [::]:80 v4v6', ['ipv4', 'ipv6']],
    ['one of each', 'bind *:80\n  bind [::1]:81 v6only', 'bind *:80\n  bind [::1]:81 v6only', ['ipv4', 'ipv6']],
    ['the old one has the other', 'bind [::]:80', 'bind *:80', ['ipv4', 'ipv6']],
    ['one that goes', 'bind *:80\n  bind 10.0.0.1:81', 'bind *:80', ['ipv4']],
    ['a name', 'bind web.local:80', 'bind web.local:80', ['ipv4', 'ipv6']],
  ] as const) {
    test(`${what} -> ${families.join(' and ')}`, () => {
      const plan = planReload({
        setting: 'auto',
        capabilities: CAPABLE,
        next: derivePlanSide(forced(`frontend web\n  ${after}\n`), KERNEL),
        old: oldOf(forced(`frontend web\n  ${before}\n`)),
        refusal: () => undefined,
      });
      assert.deepEqual(plan.gatedFamilies, families);
    });
  }

  test('a port that no text names -> both', () => {
    const plan = planReload({
      setting: 'auto',
      capabilities: CAPABLE,
      next: derivePlanSide(WEB, KERNEL),
      old: oldOf(WEB, {ports: [90]}),
      refusal: () => undefined,
    });
    assert.deepEqual([plan.gatedPorts, plan.gatedFamilies], [[90], ['ipv4', 'ipv6']]);
  });
});
