import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createVerifier, type VerifyPorts} from '../../src/members/verify.ts';
import {pingOf} from './fixtures.ts';

const open = (ports: Partial<VerifyPorts>) =>
  createVerifier({source: false, believe: undefined, tokens: undefined, ...ports});
const by = (remoteAddress: string, authorization?: string) => ({remoteAddress, authorization});

describe('verify', () => {
  test('nothing asked for -> everybody may', () => {
    assert.deepEqual(open({})(pingOf({ip: '10.0.0.1'}), by('10.9.9.9')), {is: 'allowed'});
  });

  test('source -> the address of the connection, in whatever spelling', () => {
    const verify = open({source: true});
    assert.equal(verify(pingOf({ip: '10.0.0.1'}), by('::ffff:10.0.0.1')).is, 'allowed');
    assert.equal(verify(pingOf({ip: 'fd00::1'}), by('fd00:0:0::1')).is, 'allowed');
    assert.deepEqual(verify(pingOf({ip: '10.0.0.1'}), by('::ffff:10.0.0.2')), {
      is: 'forbidden',
      check: 'source',
      reason: 'cannot take ping: it reports ip 10.0.0.1 and comes from 10.0.0.2',
    });
  });

  test('tokens -> any that is in the file, nothing else', () => {
    const verify = open({tokens: () => ['first-token-of-two', 'second-token-of-two']});
    const results = [
      'Bearer second-token-of-two',
      'bearer first-token-of-two',
      'Bearer x',
      'first-token-of-two',
      '',
      undefined,
    ];
    assert.deepEqual(
      results.map(authorization => verify(pingOf({ip: '10.0.0.1'}), by('10.0.0.1', authorization)).is),
      ['allowed', 'allowed', 'forbidden', 'forbidden', 'forbidden', 'forbidden'],
    );
    const refused = verify(pingOf({ip: '10.0.0.1'}), by('10.0.0.1', 'Bearer guess-in-the-log'));
    assert.doesNotMatch(JSON.stringify(refused), /guess/);
  });

  test('pods -> real ones; a directory that cannot say is no refusal for good', () => {
    const credences = {real: 'allowed', unreal: 'forbidden', unknown: 'unavailable'} as const;
    for (const [is, wanted] of Object.entries(credences)) {
      const believe = () => ({is: is as keyof typeof credences, reason: 'because'});
      assert.equal(open({believe})(pingOf({ip: '10.0.0.1'}), by('10.0.0.1')).is, wanted);
    }
  });
});
