import assert from 'node:assert/strict';
import {test} from 'node:test';
import {findEmptied} from '../../src/proxy/emptied-backends.ts';

const text = (servers: Readonly<Record<string, string>>): string =>
  Object.entries(servers)
    .map(([name, line]) => `backend ${name}\n  mode http\n  ${line}\n`)
    .join('');

test('backends that had a server and have none, or are gone -> named; those that never had one, or have another -> not', () => {
  const before = text({
    web: 'server a 127.0.0.1:1',
    api: 'server a 127.0.0.1:1',
    db: 'server-template a 2 db:1',
    old: 'server a 127.0.0.1:1',
    none: '',
  });
  const after = text({web: '', api: 'server b 127.0.0.2:1', db: 'server-template a 3 db:1', none: ''});
  assert.deepEqual(findEmptied(before, after), ['web', 'old']);
});
