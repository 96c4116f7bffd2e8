import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {ping} from '../../src/commands/ping.ts';
import {EXIT_CODES} from '../../src/errors.ts';
import {openMaster} from '../slave/tiny-master.ts';
import {freePort} from '../support/free-port.ts';
import {callCommand} from './call-command.ts';

const call = (...args: string[]) => callCommand('ping', ping, args);
const POD = ['--app', 'web', '--ip', '10.2.0.17'];

describe('ping', () => {
  test('a master that takes it -> its answer, exit 0', async t => {
    const {port} = await openMaster(t, (_request, response) => response.end());
    assert.deepEqual(await call(...POD, '--master', `127.0.0.1:${port}`), {
      status: 0,
      stdout: `127.0.0.1:${port} answered 200\n`,
      stderr: '',
    });
  });

  test('a master that refuses it, or something else -> the answer is printed, exit 12', async t => {
    for (const [said, told] of [
      ['{"error": "bad ping", "reason": "its Pod does not exist"}', ': its Pod does not exist'],
      ['null', ''],
      ['<html>', ''],
    ] as const) {
      const {port} = await openMaster(t, (_request, response) => response.writeHead(403).end(said));
      const {status, stdout} = await call(...POD, '--master', `127.0.0.1:${port}`);
      assert.deepEqual([status, stdout], [EXIT_CODES.UNHEALTHY, `127.0.0.1:${port} answered 403${told}\n`]);
    }
  });

  test('nobody listens -> what to set, exit 13', async () => {
    const {status, stderr} = await call(...POD, '--master', `127.0.0.1:${await freePort()}`);
    assert.equal(status, EXIT_CODES.UNREACHABLE);
    assert.match(stderr, /^cannot ping 127\.0\.0\.1:\d+: connect ECONNREFUSED .*; set --master to a running one\n/);
  });

  test('the lowest and the highest port there are -> asked', async () => {
    // Whoever listens there, if anybody does, is no master.
    for (const port of [1, 65_535]) {
      assert.notEqual((await call(...POD, '--master', `127.0.0.1:${port}`)).status, EXIT_CODES.USAGE);
    }
  });

  for (const [args, reason] of [
    [[], 'say whom it is of, with --app APP and --ip IP'],
    [['--app', 'web'], 'say whom it is of, with --app APP and --ip IP'],
    [['--app', 'we b', '--ip', '10.2.0.17'], 'app "we b" is not a label value of 1 to 63 characters'],
    [['--app', 'web', '--ip', '10.0.0.300'], 'ip "10.0.0.300" is not an IP address'],
    [[...POD, '--payload', '{x'], /--payload \{x is not JSON/],
    [[...POD, '--master', 'http://localhost:8000'], '--master http://localhost:8000 is not HOST or HOST:PORT'],
    [[...POD, '--master', 'localhost:99999'], '--master localhost:99999 is not HOST or HOST:PORT'],
    [[...POD, '--master', 'localhost:0'], '--master localhost:0 is not HOST or HOST:PORT'],
    [[...POD, '--master', 'localhost:65536'], '--master localhost:65536 is not HOST or HOST:PORT'],
    [[...POD, '--master', ':8000'], '--master :8000 is not HOST or HOST:PORT'],
  ] as const) {
    test(`ping ${args.join(' ')} -> what is wrong, exit 64`, async () => {
      const {status, stderr} = await call(...args);
      assert.equal(status, EXIT_CODES.USAGE);
      if (typeof reason === 'string') assert.equal(stderr.trimEnd(), `cannot ping: ${reason}`);
      else assert.match(stderr, reason);
    });
  }
});
