import assert from 'node:assert/strict';
import {test} from 'node:test';
import {findOrphanedBackends} from '../../src/proxy/orphaned-backends.ts';

const TEXT = `
backend left
  server a 10.0.0.1:80
  server b 10.0.0.2:80
backend empty
  option httpchk
backend half
  server a 10.0.0.1:80
  server c 10.0.0.3:80
backend fixed
  server d db.example:80
listen dns
  bind :81
  server-template e 1-3 _http._tcp.example
`;

test('backends whose servers are all of pods that left, or that have none -> orphaned; any other server -> not', () => {
  const gone = new Set(['10.0.0.1', '10.0.0.2']);
  assert.deepEqual([...findOrphanedBackends(TEXT, ip => gone.has(ip))], ['left', 'empty']);
  assert.deepEqual([...findOrphanedBackends(TEXT, () => false)], ['empty']);
});
