import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {EXIT_CODES} from '../src/errors.ts';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

interface Result {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built program (`npm run build` comes first) in an environment without settings. */
const run = (...args: string[]): Promise<Result> =>
  new Promise(resolve => {
    execFile(process.execPath, [MAIN, ...args], {env: {PATH: process.env.PATH}}, (error, stdout, stderr) =>
      resolve({code: error === null ? 0 : error.code, stdout, stderr}),
    );
  });

for (const args of [['--help'], ['-h'], ['help'], ['run', '--help']]) {
  test(`haproxy-kontrol ${args.join(' ')} -> usage on stdout, exit 0`, async () => {
    const {code, stdout, stderr} = await run(...args);
    assert.equal(code, 0);
    assert.match(stdout, /^usage: haproxy-kontrol <command>\n\n {2}run +the daemon/);
    assert.equal(stderr, '');
  });
}

for (const [args, name] of [
  [[], '(none)'],
  [['fly'], 'fly'],
  [['constructor'], 'constructor'],
] as const) {
  test(`haproxy-kontrol ${args.join(' ')} -> what is wrong, then the usage, on stderr; exit 64`, async () => {
    const {code, stdout, stderr} = await run(...args);
    assert.equal(code, EXIT_CODES.USAGE);
    assert.equal(stdout, '');
    const [first, second] = stderr.split('\n');
    assert.equal(first, `haproxy-kontrol: no such command: ${name}`);
    assert.match(second ?? '', /^usage: /);
  });
}

test('haproxy-kontrol run without settings -> exit 2, one line that names all that is missing', async () => {
  const {code, stderr} = await run('run');
  assert.equal(code, EXIT_CODES.CONFIG);
  assert.match(
    stderr,
    /^haproxy-kontrol: cannot read the configuration: [^\n]*"app"[^\n]*"role"[^\n]*no template[^\n]*\n$/,
  );
});

test('exit codes -> never renumbered', () => {
  assert.deepEqual(EXIT_CODES, {
    UNEXPECTED: 1,
    CONFIG: 2,
    DATA: 3,
    HAPROXY: 4,
    LISTEN: 5,
    LIFECYCLE: 6,
    RENDER: 7,
    VALIDATE: 8,
    APPLY: 9,
    PROXY: 10,
    DRAIN: 11,
    UNHEALTHY: 12,
    UNREACHABLE: 13,
    KUBERNETES: 20,
    USAGE: 64,
  });
});
