import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {type Membership, openMembership} from '../../../src/commands/daemon/membership.ts';
import {openLogSink, pingOf} from '../../members/fixtures.ts';
import {openFolder} from '../../support/folder.ts';

const SELF = {namespace: 'x', id: 'lb-1', ip: '10.2.0.2', app: 'lb', role: 'balancer', labels: {}, annotations: {}};

/** The members of a data folder, without a shared store. */
const open = (dataFolder: string): Promise<Membership> =>
  openMembership({
    config: {
      self: {...SELF, eip: undefined, node: {labels: {}, annotations: {}}},
      ...{ttlMs: 25_000, maxMembers: 10, maxPayloadBytes: 1000, dataFolder, etcd: undefined},
    },
    room: () => openLogSink().log,
    ending: {asked: AbortSignal.any([])},
  });

describe('the membership', () => {
  test('an empty folder -> remembers nobody; members of an earlier run -> remembered', async () => {
    await using folder = await openFolder();
    const first = await open(folder.path);
    assert.equal(first.remembers(), false);
    first.registry.record(pingOf());
    assert.equal(first.remembers(), false);
    await first[Symbol.asyncDispose]();
    await using second = await open(folder.path);
    await second.loaded();
    assert.deepEqual([second.remembers(), second.registry.members().map(({ip}) => ip)], [true, ['10.2.0.17']]);
  });
});
