import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {EXIT_CODES} from '../src/errors.ts';
import {COMMANDS} from '../src/terminal/reference.ts';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

interface Result {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built program (`npm run build` comes first) in an environment without settings. */
const run = (...args: string[]): Promise<Result> => runWith({}, ...args);

/** The same with these. */
const runWith = (settings: Readonly<Record<string, string>>, ...args: string[]): Promise<Result> =>
  new Promise(resolve => {
    execFile(process.execPath, [MAIN, ...args], {env: {PATH: process.env.PATH, ...settings}}, (error, stdout, stderr) =>
      resolve({code: error === null ? 0 : error.code, stdout, stderr}),
    );
  });

for (const args of [['--help'], ['-h'], ['help']]) {
  test(`haproxy-kontrol ${args.join(' ')} -> usage on stdout, exit 0`, async () => {
    const {code, stdout, stderr} = await run(...args);
    assert.equal(code, 0);
    assert.match(stdout, /^usage: haproxy-kontrol <command>\n\n {2}run +the daemon/);
    for (const [name, {summary}] of Object.entries(COMMANDS)) {
      assert.ok(stdout.includes(`\n  ${name.padEnd(12)}${summary}\n`), name);
    }
    assert.equal(stderr, '');
  });
}

for (const [name, {summary, options, examples, failures}] of Object.entries(COMMANDS)) {
  test(`haproxy-kontrol ${name} --help -> purpose, options, examples, exit codes on stdout, exit 0`, async () => {
    const {code, stdout, stderr} = await run(name, '--help');
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok(stdout.startsWith(`usage: haproxy-kontrol ${name}`));
    assert.match(
      stdout,
      /\noptions:\n(?:.*\n)* {2}-h, --help(?:.*\n)*\nexamples:\n {2}haproxy-kontrol (?:.*\n)*\nexit codes:\n {2}0 /,
    );
    const codes = Object.keys(failures).map(failure => `\n  ${EXIT_CODES[failure as keyof typeof EXIT_CODES]} `);
    const parts = [`\n\n${summary}\n`, ...Object.keys(options).map(option => ` --${option}`), ...codes, '\n  64'];
    for (const part of [...parts, ...examples.map(([line]) => ` ${line} `)]) assert.ok(stdout.includes(part), part);
    for (const args of [
      [name, '-h'],
      ['help', name],
    ])
      assert.equal((await run(...args)).stdout, stdout);
  });
}

for (const option of ['--version', '-V']) {
  test(`haproxy-kontrol ${option} -> which this is`, async () => {
    const {version} = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    assert.deepEqual(await run(option), {code: 0, stdout: `haproxy-kontrol ${version}\n`, stderr: ''});
  });
}

test('a name that is nearly a setting -> each command that reads the environment says so on stderr, and goes on', async () => {
  for (const args of [
    ['completion', 'bash'],
    ['check', '--help'],
  ]) {
    const {code, stderr} = await runWith({KONTROL_TLL: '5'}, ...args);
    const told = 'haproxy-kontrol: KONTROL_TLL is no setting and is not read: rename it if KONTROL_TTL is meant\n';
    assert.deepEqual([code, stderr], [0, args[1] === '--help' ? '' : told]);
  }
});

for (const [args, reason] of [
  [['run', '--nope'], "Unknown option '--nope'"],
  [['run', 'x'], 'too many arguments: x'],
  [['status', '--jsn'], "Unknown option '--jsn'; is it --json?"],
  [['check', 'x'], 'too many arguments: x; files go behind --template or --manifest'],
  [['check', '--template', 'a.j2', '--template', 'b.j2'], '--template is given twice'],
  [['demo', 'x'], 'too many arguments: x'],
  [['status', '-x'], "Unknown option '-x'"],
  [['ctl'], ''],
  [['ctl', 'FLY'], 'there is no FLY\n'],
  [['ctl', 'state'], 'there is no state; is it STATE?\n'],
] as const) {
  test(`haproxy-kontrol ${args.join(' ')} -> what is wrong on one line, then how it is called; exit 64`, async () => {
    const {code, stdout, stderr} = await run(...args);
    assert.deepEqual([code, stdout], [EXIT_CODES.USAGE, '']);
    assert.match(stderr, new RegExp(`^haproxy-kontrol: cannot run ${args[0]}: .*\nusage: haproxy-kontrol ${args[0]} `));
    assert.ok(stderr.startsWith(`haproxy-kontrol: cannot run ${args[0]}: ${reason}`), stderr);
  });
}

for (const [args, reason] of [
  [['status', '--all', '--json'], 'cannot run status: --all and --json do not go together'],
  [['status', '--watch', '--json'], 'cannot run status: --watch and --json do not go together'],
  [['status', '--watch', '--url', 'localhost'], 'cannot ask localhost: it is no URL such as http://10.2.0.3:8001'],
  [['top', '--url', 'localhost:8001'], 'cannot ask localhost:8001: it is no URL such as http://10.2.0.3:8001'],
] as const) {
  test(`haproxy-kontrol ${args.join(' ')} -> ends at once with what is wrong; exit 64`, async () => {
    assert.deepEqual(await run(...args), {code: EXIT_CODES.USAGE, stdout: '', stderr: `haproxy-kontrol: ${reason}\n`});
  });
}

test('KONTROL_STATUS_PORT that is no port -> each command that asks there says so; exit 64', async () => {
  for (const port of ['abc', '99999', '80.5']) {
    const {code, stdout, stderr} = await runWith({KONTROL_STATUS_PORT: port}, 'status');
    const fault = `KONTROL_STATUS_PORT "${port}" is not a whole number from 0 to 65535`;
    assert.deepEqual(
      [code, stdout, stderr],
      [EXIT_CODES.USAGE, '', `haproxy-kontrol: cannot find the status port: ${fault}; set it, or --url\n`],
    );
  }
});

for (const [args, name] of [
  [[], '(none)'],
  [['fly'], 'fly'],
  [['chek'], 'chek; is it check?'],
  [['STATUS'], 'STATUS; is it status?'],
  [['--versoin'], '--versoin; is it --version?'],
  [['help', 'fly'], 'fly'],
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
