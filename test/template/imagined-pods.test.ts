import assert from 'node:assert/strict';
import {test} from 'node:test';
import {imaginePods} from '../../src/template/imagined-pods.ts';
import {inputOf} from './fixtures.ts';

const POD = {app: 'web', ip: '10.0.0.1', id: 'a', key: 'k', seq: 4, role: 'frontend', payload: {weight: 7}};

test('more pods of apps, known or not -> behind the real ones, like the last of their app, each with marks of its own', () => {
  const real = inputOf('text', {
    hosts: new Map([['web', ['10.0.0.1']]]),
    pods: [POD, {...POD, app: 'other', role: 'x'}],
  });
  const more = new Map([
    ['web', 2],
    ['gone', 0],
    ['api', 1],
  ]);
  const {input, ips, marks} = imaginePods(real, more, place => `192.0.2.${place}`);
  const {hosts, pods} = input.variables;
  assert.equal(input.template, 'text');
  assert.deepEqual(
    [...hosts],
    [
      ['api', ['192.0.2.0']],
      ['web', ['10.0.0.1', '192.0.2.1', '192.0.2.2']],
    ],
  );
  assert.deepEqual(pods.slice(0, 2), real.variables.pods);
  const [first, second, other] = pods.slice(2);
  const like = {app: 'web', role: 'frontend', payload: {weight: 7}};
  assert.deepEqual(first, {...like, ip: '192.0.2.1', id: 'imagined-web-1', key: 'imagined1', seq: 1_900_000_001});
  assert.deepEqual(second, {...like, ip: '192.0.2.2', id: 'imagined-web-2', key: 'imagined2', seq: 1_900_000_002});
  const api = {app: 'api', role: '', payload: '', ip: '192.0.2.0', id: 'imagined-api-1', key: 'imagined1'};
  assert.deepEqual(other, {...api, seq: 1_900_000_003});
  assert.equal(pods.length, 5);
  assert.deepEqual([...ips].sort(), ['192.0.2.0', '192.0.2.1', '192.0.2.2']);
  assert.deepEqual(
    marks,
    [first, second, other]
      .flatMap(pod => [pod?.id, pod?.key, `${pod?.seq}`])
      .filter((mark, at, all) => all.indexOf(mark) === at),
  );
});
