import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {blockInputOf, runJob, tellCallback, withLogLevel} from '../../../src/commands/daemon/scripts.ts';
import type {JobHandle} from '../../../src/jobs/handle.ts';
import type {CallbackNews} from '../../../src/lifecycle/callback.ts';
import type {Visit} from '../../../src/lifecycle/lifecycle.ts';
import {createBlockVariables} from '../../../src/lifecycle/variables.ts';
import {digestHosts} from '../../../src/members/hosts.ts';
import type {TemplateVariables} from '../../../src/template/input.ts';

const VISIT: Visit = {tag: 'configure', cause: 'a test', origin: 'daemon', input: undefined};

const HOSTS = new Map([['web', ['10.0.0.1']]]);

describe("a block's input", () => {
  const inputOf = (input: string | undefined) =>
    blockInputOf(
      {...VISIT, input: input === undefined ? undefined : Buffer.from(input)},
      {
        hostsOf: () => HOSTS,
      },
    ).toString();

  test('what came with the request, even one letter -> that; nothing, or none -> the hosts of the pass', () => {
    assert.deepEqual([inputOf('x'), inputOf('x y')], ['x', 'x y']);
    for (const none of [undefined, '']) assert.match(inputOf(none), /10\.0\.0\.1/);
  });

  test('no pass -> empty', () => assert.equal(blockInputOf(VISIT, {hostsOf: () => undefined}).length, 0));
});

describe('SET in a block', () => {
  test('the level of the log -> set, and refused where it is none; other variables -> kept', () => {
    const levels: string[] = [];
    const variables = withLogLevel(createBlockVariables(), {setLevel: level => levels.push(level)});
    assert.deepEqual(
      [
        variables.set('KONTROL_LOG_LEVEL', 'debug'),
        variables.set('KONTROL_LOG_LEVEL', 'loud'),
        variables.set('COLOUR', 'red'),
      ],
      [undefined, 'it is one of trace, debug, info, warn, error', undefined],
    );
    assert.deepEqual([levels, variables.all().COLOUR], [['debug'], 'red']);
  });
});

describe('a job that a state starts', () => {
  const told: string[] = [];
  const jobOf = (name: string, ok: boolean): JobHandle => {
    const obey = async () => {
      told.push(name);
      return {ok, text: `${name} is odd`};
    };
    return {name, start: obey, stop: obey, restart: obey} as unknown as JobHandle;
  };
  const jobs = [jobOf('good', true), jobOf('bad', false)];

  test('it obeys -> well; it does not -> LIFECYCLE with what it said; nobody of that name -> well', async () => {
    await runJob(jobs, 'start', 'good');
    await assert.rejects(runJob(jobs, 'restart', 'bad'), {
      code: 'LIFECYCLE',
      message: 'cannot restart job bad: bad is odd',
    });
    await runJob(jobs, 'stop', 'another');
    assert.deepEqual(told, ['good', 'bad']);
  });
});

describe('the callback', () => {
  const variables = {hosts: HOSTS, pods: []} as unknown as TemplateVariables;
  const applied = {digest: 'd', input: {template: '', variables}};
  const toldOf = (changes: Partial<Visit>, fault?: unknown) => {
    const told: CallbackNews[] = [];
    tellCallback({tell: news => told.push(news)}, {...VISIT, ...changes}, fault, applied);
    return told;
  };

  test('a pass of the daemon that went well -> told of its pods', () => {
    assert.deepEqual(toldOf({}), [{digest: 'd', md5: digestHosts(HOSTS), pods: '[]'}]);
  });

  test("another state, a script's own pass, one that failed, none that was ever applied -> not told", () => {
    assert.deepEqual([toldOf({tag: 'setup'}), toldOf({origin: 'socket'}), toldOf({}, new Error('no'))].flat(), []);
    const told: CallbackNews[] = [];
    tellCallback({tell: news => told.push(news)}, VISIT, undefined, undefined);
    tellCallback(undefined, VISIT, undefined, applied);
    assert.deepEqual(told, []);
  });
});
