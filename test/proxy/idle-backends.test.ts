import assert from 'node:assert/strict';
import {test} from 'node:test';
import {findIdleBackends} from '../../src/proxy/idle-backends.ts';

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
backend green
  default-server disabled
  server a 10.0.0.1:80
  server g 10.0.0.4:80
backend blue
  server g 10.0.0.4:80 weight 0
listen dns
  bind :81
  server-template e 1-3 _http._tcp.example
`;

test('backends whose servers left, or that the text takes out of service -> idle; with any other server -> not', () => {
  const gone = new Set(['10.0.0.1', '10.0.0.2']);
  const {left, meant} = findIdleBackends(TEXT, ip => gone.has(ip));
  assert.deepEqual(
    [[...left], [...meant]],
    [
      ['left', 'empty'],
      ['left', 'empty', 'green', 'blue'],
    ],
  );
  const nobodyGone = findIdleBackends(TEXT, () => false);
  assert.deepEqual([[...nobodyGone.left], [...nobodyGone.meant]], [['empty'], ['empty', 'green', 'blue']]);
});
