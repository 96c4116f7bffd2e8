import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {manifestOf} from './fixtures.ts';

const refusal = (text: string): string => {
  try {
    manifestOf(text);
  } catch (error) {
    assert.equal((error as {code?: string}).code, 'LIFECYCLE');
    return (error as Error).message;
  }
  return assert.fail('it was accepted');
};

const GOOD = `initial: setup
terminal: stop
states:
  - tag: setup
    next: [configure]
    shell: |
      echo ready
  - tag: configure
    run: [render, validate, apply]
    next: [configure, 'expose-*']
    force: true
  - tag: stop
    run: [drain]
`;

const change = (from: string, to: string): string => {
  assert.ok(GOOD.includes(from), from);
  return GOOD.replace(from, to);
};

describe('manifest', () => {
  test('keys that are mappings, nested in each other -> refused at once, by line', () => {
    assert.equal(
      refusal(`\n${'? '.repeat(300)}a`),
      'cannot read lifecycle.yml: line 2: a key is a word, not a list or a mapping',
    );
  });

  test('the packaged one -> accepted', () => {
    const {initial, terminal} = manifestOf(readFileSync('lifecycle.yml', 'utf8'));
    assert.deepEqual([initial, terminal], ['setup', 'stop']);
  });

  test('a good one -> its states, with what is not said left at its default', () => {
    const {initial, terminal, states} = manifestOf(GOOD);
    assert.deepEqual([initial, terminal, [...states.keys()]], ['setup', 'stop', ['setup', 'configure', 'stop']]);
    assert.deepEqual(states.get('setup'), {
      tag: 'setup',
      steps: [{is: 'shell', block: 'echo ready\n'}],
      next: ['configure'],
      force: false,
      timeoutMs: undefined,
    });
    assert.equal(states.get('configure')?.force, true);
    assert.deepEqual(states.get('stop')?.next, []);
  });

  for (const [what, text, reason] of [
    ['no mapping', 'nonsense', /line 1: expected the keys initial, terminal and states/],
    ['an empty file', '', /line 1: expected the keys/],
    ['broken YAML', change('tag: setup', 'tag: [setup'), /line \d+: /],
    ['no states', 'initial: a\nterminal: b\nstates: []\n', /line 3: states: expected a list/],
    [
      'a state that is none',
      change('- tag: setup', '- setup\n  - tag: setup'),
      /line 4: states\[0\]: expected a state/,
    ],
    ['no tag', change('- tag: stop\n    run', '- run'), /tag: expected 1-256/],
    [
      'a tag with blanks',
      change('tag: configure', 'tag: to configure'),
      /line 8: tag: expected 1-256 characters, none of them a blank/,
    ],
    ['a tag twice', change('tag: configure', 'tag: setup'), /line 8: tag: "setup" stands twice/],
    [
      'an unknown action',
      change('[render,', '[rendre,'),
      /line 9: run: "rendre" is none of render, validate, apply, telegraf, drain, start JOB/,
    ],
    ['run that is no list', change('[drain]', 'drain'), /line 13: run: expected a list/],
    ['next that is no list', change('next: [configure]', 'next: {a: b}'), /line 5: next: expected a list/],
    ['shell that is no text', change('shell: |\n      echo ready', 'shell: 7'), /line 6: shell: expected text/],
    ['force that is no boolean', change('force: true', 'force: maybe'), /line 11: force: expected true or false/],
    ['an initial state that is none', change('initial: setup', 'initial: start'), /line 1: initial: expected the tag/],
    ['no terminal state', change('terminal: stop\n', ''), /terminal: expected the tag of a state, one of setup,/],
    [
      'apply without render',
      change('[render, validate, apply]', '[apply]'),
      /line 9: run: "apply" needs "render" before/,
    ],
    [
      'a job that is none',
      change('[drain]', '[stop nginx]'),
      /line 13: run: "nginx" is no job; there are haproxy, tele/,
    ],
    [
      'a timeout that is none',
      change('force: true', 'timeout: soon'),
      /line 11: timeout: expected a number of seconds/,
    ],
    [
      'a configure that does nothing',
      change('    run: [render, validate, apply]\n', ''),
      /line 8: tag: "configure" does noth/,
    ],
    [
      'an unknown key',
      change('force: true', 'forced: true'),
      /line 11: forced: no such key; a state has tag, run, shell/,
    ],
    [
      'an unknown key at the top',
      `${GOOD}state: []\n`,
      /line 14: state: no such key; a manifest has initial, terminal/,
    ],
    ['no state "configure"', GOOD.replaceAll('tag: configure', 'tag: apply'), /there is no state "configure"/],
  ] as const) {
    test(`${what} -> refused, with file, line and key`, () => {
      assert.match(refusal(text), /^cannot read lifecycle\.yml: line \d+: /);
      assert.match(refusal(text), reason);
    });
  }
});

/** The pod's manifest of 2017 (docs/contract-2017.md#lifecycle). */
const OLD = `initial: setup
terminal: shutdown
version: 1
states:
  - tag: setup
    shell: |
      supervisorctl start telegraf
    next:
      - configure
  - tag: configure
    shell: supervisorctl restart haproxy
    force: yes
    note: by hand
    next: [configure, 'expose-via-*']
  - tag: expose-via-route53
    shell:
    next: configure
  - tag: shutdown
`;

describe('manifest of 2017', () => {
  test('as it was -> loads, unknown keys are warnings with their line', () => {
    const {states, jobs, warnings} = manifestOf(OLD);
    assert.deepEqual(warnings, [
      'lifecycle.yml: line 3: version: no such key; a manifest has initial, terminal, states, jobs: ignored',
      'lifecycle.yml: line 13: note: no such key; a state has tag, run, shell, next, force, timeout: ignored',
    ]);
    assert.equal(states.get('configure')?.force, true);
    assert.deepEqual(states.get('expose-via-route53')?.steps, []);
    assert.deepEqual(states.get('expose-via-route53')?.next, ['configure']);
    assert.deepEqual(
      jobs.map(({name, autostart, optional}) => ({name, autostart, optional})),
      [{name: 'telegraf', autostart: false, optional: true}],
    );
  });

  test('a tag of other letters and signs, or a long one -> loads', () => {
    for (const tag of ['größe-eins', 'expose:route53', 'expose/eip', 'x'.repeat(256)]) {
      assert.ok(manifestOf(`${OLD}  - tag: ${tag}\n`).states.has(tag), tag);
    }
  });

  test('anchors and merges, as YAML 1.1 has them -> resolved', () => {
    const {states} = manifestOf(`${OLD}  - &base {tag: more, next: [configure]}\n  - {<<: *base, tag: most}\n`);
    assert.deepEqual(states.get('most')?.next, ['configure']);
  });
});

const withJob = (job: string): string => `${GOOD}jobs:\n  - ${job.trim().replaceAll('\n', '\n    ')}\n`;

describe('manifest, jobs', () => {
  test("supervisord's settings -> read, with supervisord's defaults", () => {
    const [job] = manifestOf(withJob('name: beat\ncommand: beat -v\nstopsignal: QUIT\nautorestart: true')).jobs;
    assert.deepEqual(job, {
      name: 'beat',
      command: 'beat -v',
      autostart: true,
      autorestart: 'always',
      startMs: 1000,
      startretries: 3,
      stopsignal: 'SIGQUIT',
      stopWaitMs: 10_000,
      exitcodes: [0],
      optional: false,
      mayFail: false,
    });
    const all = 'name: b\ncommand: [b, "-x y"]\nautostart: no\nautorestart: false\nstartsecs: 0.5\nstartretries: 0';
    assert.deepEqual(manifestOf(withJob(`${all}\nstopsignal: sigint\nstopwaitsecs: 2\nexitcodes: [0, 3]`)).jobs, [
      {
        name: 'b',
        command: ['b', '-x y'],
        autostart: false,
        autorestart: 'never',
        startMs: 500,
        startretries: 0,
        stopsignal: 'SIGINT',
        stopWaitMs: 2000,
        exitcodes: [0, 3],
        optional: false,
        mayFail: false,
      },
    ]);
  });

  test('steps that name jobs, hooks between steps -> in their order', () => {
    const hook = change('[render, validate, apply]', "[{shell: 'echo before'}, render, validate, apply, restart beat]");
    const {states} = manifestOf(`${hook}jobs: [{name: beat, command: beat}]\n`);
    assert.deepEqual(states.get('configure')?.steps, [
      {is: 'shell', block: 'echo before'},
      {is: 'action', name: 'render'},
      {is: 'action', name: 'validate'},
      {is: 'action', name: 'apply'},
      {is: 'job', verb: 'restart', job: 'beat'},
    ]);
  });

  for (const [what, job, reason] of [
    ['no command', 'name: beat', /line 15: command: expected a line/],
    ['a name with blanks', 'name: a b\ncommand: x', /line 15: name: expected 1-64/],
    ['the name haproxy', 'name: haproxy\ncommand: x', /line 15: name: "haproxy" is the daemon's own job/],
    ['a signal that is none', 'name: b\ncommand: x\nstopsignal: NONE', /line 17: stopsignal: expected the name/],
    ['autorestart that is none', 'name: b\ncommand: x\nautorestart: often', /line 17: autorestart: expected true,/],
    ['an exit code that is none', 'name: b\ncommand: x\nexitcodes: [256]', /line 17: exitcodes: expected exit codes/],
    ['startsecs that are none', 'name: b\ncommand: x\nstartsecs: -1', /line 17: startsecs: expected a number/],
    ['startretries that are none', 'name: b\ncommand: x\nstartretries: 1.5', /line 17: startretries: expected a whole/],
    ['an unknown key', 'name: b\ncommand: x\nuser: nobody', /line 17: user: no such key; a job has name, command/],
  ] as const) {
    test(`${what} -> refused, with line and key`, () => assert.match(refusal(withJob(job)), reason));
  }

  test('a job twice, or none in the list -> refused', () => {
    assert.match(refusal(`${GOOD}jobs: [{name: b, command: x}, {name: b, command: z}]\n`), /name: "b" stands twice/);
    assert.match(refusal(`${GOOD}jobs: [b]\n`), /line 14: jobs\[0\]: expected a job, a mapping of keys/);
    assert.match(refusal(`${GOOD}jobs: {b: x}\n`), /line 14: jobs: expected a list of jobs/);
  });
});
