import assert from 'node:assert/strict';
import {execFile, execFileSync, spawn, spawnSync} from 'node:child_process';
import {accessSync, constants, existsSync, globSync, readFileSync} from 'node:fs';
import {appendFile, mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {collectOutput} from '../support/output.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {endProcessesOf} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';
import {type Block, blocksOf, type Command, commandsOf} from './blocks.ts';
import {DOCUMENTS} from './documents.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Blocks that cannot be run here, by the program that begins them, and who shows that they are true. */
const ELSEWHERE: readonly (readonly [begins: RegExp, why: string])[] = [
  [/^git clone/, 'brings and installs all: `npm run verify` is this run, test/integration/demo.test.ts the demo'],
  [/^docker (?:build|run|export)/, 'needs Docker and a registry: test/docker builds both images and runs them'],
  [/^kubectl /, 'needs a cluster with pods: test/migration/walk.test.ts walks each line of the guide'],
  [/^helm install/, 'needs a cluster: test/kubernetes/chart.test.ts sends what helm makes to a real API server'],
];

const blocks = [...DOCUMENTS, ...globSync('docker/**/*.md')].flatMap(blocksOf);
const shell = blocks.filter(({language}) => language === 'sh');
const reasonOf = ({lines: [first = '']}: Block) => ELSEWHERE.find(([begins]) => begins.test(first))?.[1];
const runnable = shell.filter(block => reasonOf(block) === undefined);
/** The commands of the table that operators begin with; what `status` says, and exits with, is other suites' matter. */
const questions: Block = {
  at: 'docs/operating.md:13',
  language: 'sh',
  lines: [
    ...readFileSync('docs/operating.md', 'utf8').matchAll(/^\| .*\? \| `(haproxy-kontrol (?!status).*)` \|$/gm),
  ].map(([, command = '']) => command),
};
const README = readFileSync('README.md', 'utf8');
const template = blocks.find(({at, language}) => at.startsWith('README.md') && language === 'jinja')?.lines ?? [];

test('the first page -> 150 lines at most', () => assert.ok(README.split('\n').length <= 150));

test('the first page -> its table explains the words of ours, and the text above does without them', () => {
  const [above = '', table = ''] = README.split('\n## Words\n');
  for (const word of ['pass', 'generation', 'damper', 'quarantine', 'in sync']) {
    assert.match(table, new RegExp(`^\\| ${word} \\| `, 'm'));
    assert.doesNotMatch(above, new RegExp(`\\b${word}(?:s|es)?\\b`));
  }
});

test('the questions that operators begin with -> all are found', () => assert.equal(questions.lines.length, 11));

test('the program, once it is built -> npx can run it, and npm start runs the daemon', () => {
  accessSync(MAIN, constants.X_OK);
  assert.equal(JSON.parse(readFileSync('package.json', 'utf8')).scripts.start, 'node dist/main.js run');
});

test('blocks of commands -> each is marked as `sh`, and is shell', () => {
  const unmarked = blocks.filter(
    ({language, lines}) =>
      language === '' &&
      lines.some(line => /^(?:[A-Z_]+=\S+ )*(?:haproxy-kontrol|npx|npm|curl|kubectl|docker|helm) /.test(line)),
  );
  assert.deepEqual(
    unmarked.map(({at}) => at),
    [],
  );
  for (const {at, lines} of shell) {
    const text = lines.join('\n').replaceAll(/<[^>\n]*>/g, 'it');
    assert.doesNotThrow(() => execFileSync('sh', ['-n'], {input: text, stdio: ['pipe', 'ignore', 'pipe']}), at);
  }
});

test('blocks that cannot be run here -> what they name of the repository is there; every reason has a block', () => {
  const named = shell
    .filter(block => reasonOf(block) !== undefined)
    .flatMap(({at, lines}) =>
      (lines.join(' ').match(/(?<![\w/])(?:docker|alpine-3\.5)\/[\w./-]+/g) ?? []).map(path => ({at, path})),
    );
  assert.ok(named.length > 5);
  assert.deepEqual(
    named.filter(({path}) => !existsSync(path)),
    [],
  );
  for (const [begins, why] of ELSEWHERE)
    assert.ok(
      shell.some(({lines: [first = '']}) => begins.test(first)),
      why,
    );
});

test('the failure that docs/templates.md shows -> what is said of that template', () => {
  const told = blocks.find(({lines: [first = '']}) => first.startsWith('cannot render the template'))?.lines ?? [];
  const failing = told.flatMap(line => /^ +\d+ \| (.*)$/.exec(line)?.[1] ?? []).join('\n');
  const args = [MAIN, 'render', '--template', '-', '--hosts', '{"api": ["10.0.0.1"]}'];
  const {status, stderr} = spawnSync(process.execPath, args, {input: failing, encoding: 'utf8'});
  assert.deepEqual(
    [status, stderr.split('\n').slice(0, told.length)],
    [7, [`haproxy-kontrol: ${told[0]}`, ...told.slice(1)]],
  );
});

/** What a command promises behind `# ... `: a text that its output holds. */
const promiseOf = (text: string): string | undefined => /# \.\.\. (.*)$|# (\{.*)$/.exec(text)?.slice(1).find(Boolean);

describe('blocks of commands, one after another', {skip: missing('haproxy'), timeout: 180_000}, () => {
  const mark = `documents-test-${process.pid}`;
  let end = async () => {};
  let run: (command: Command) => Promise<string>;
  let showsWithin: (command: Command, promise: string) => Promise<void>;
  /** Makes the template another one: from here on there is something to go back to. */
  let changeTemplate: () => Promise<void>;

  before(async () => {
    const folder = await openFolder();
    const [web, master, status] = [await freePort(), await freePort(), await freePort()];
    const at = (path: string) => join(folder.path, path);
    /** Where things are, and what was when, on this machine. */
    const told = {pass: '7', moment: '12:04'};
    const here = (text: string): string =>
      text
        .replaceAll('10.2.0.3:8001', 'localhost:8001')
        .replaceAll('127.0.1.1', '10.2.0.17')
        .replaceAll('8080', String(web))
        .replaceAll('8000', String(master))
        .replaceAll('8001', String(status))
        .replaceAll('/tmp/kontrol', at('data'))
        .replace(/(?<=rollback )7\b|(?<=pass=)7\b/, told.pass)
        .replace('12:04', told.moment);
    const program = async (name: string, text: string) =>
      writeFile(at(`bin/${name}`), `#!/bin/sh\n${text}\n`, {mode: 0o755});
    await mkdir(at('bin'));
    // What npm finds in a clone that was built, and an image has. Whoever is asked says yes.
    await program('npx', 'exec "$@"');
    await program(
      'haproxy-kontrol',
      `case $1 in rollback|release|reconfigure) set -- "$@" --yes;; esac\nexec '${process.execPath}' '${MAIN}' "$@"`,
    );
    await program('curl', `PATH=\${PATH#*:} exec curl -fsS "$@"`);
    const env = {
      PATH: `${at('bin')}:${process.env.PATH}`,
      KONTROL_HAPROXY: haproxyBinary,
      KONTROL_PORT: String(master),
      KONTROL_STATUS_PORT: String(status),
      KONTROL_SOCKET: at('sock'),
      KONTROL_LINGER: '0',
      KONTROL_GRACE: '1',
      KONTROL_RENDER_TIMEOUT: '20',
      KONTROL_TOKEN_FILE: at('token'),
      TOKEN: 'of-the-operators',
      DOCUMENTS_TEST: mark,
    };
    const options = {cwd: folder.path, env};
    const text = here(template.join('\n'));
    const annotations = {'haproxy.unity3d.com/config': text};
    await writeFile(at('my.cfg.j2'), text);
    await writeFile(at('proxy.j2'), text);
    await writeFile(at('token'), env.TOKEN);
    await writeFile(
      at('deployment.yaml'),
      JSON.stringify({kind: 'Deployment', spec: {template: {metadata: {annotations}}}}),
    );

    run = ({at: place, text: command}) =>
      new Promise((resolve, reject) => {
        execFile('sh', ['-e', '-c', here(command)], {...options, timeout: 60_000}, (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(new Error(`${place}: ${command}\nends with ${error.code ?? error.signal}: ${stderr}${stdout}`));
        });
      });
    showsWithin = async (command, promise) => {
      await waitFor(async () => (await run(command).catch(String)).includes(promise), `${command.at}: "${promise}"`);
    };

    const start = runnable.flatMap(commandsOf).find(({text: command}) => command.endsWith('npm start'));
    assert.ok(start !== undefined);
    const line = here(start.text).replace('npm start', 'npx haproxy-kontrol run');
    const daemon = spawn('sh', ['-c', `exec env ${line}`], {...options, stdio: ['ignore', 'pipe', 'pipe']});
    const output = collectOutput(daemon);
    end = async () => {
      daemon.kill('SIGTERM');
      await output.exited;
      await endProcessesOf(mark);
      await folder[Symbol.asyncDispose]();
    };
    const ask = async (path: string): Promise<string> => {
      const answer = await fetch(`http://127.0.0.1:${status}${path}`).catch(() => undefined);
      return answer?.ok ? await answer.text() : '';
    };
    const serves = (words: string) =>
      waitFor(async () => (await ask('/config')).includes(words), `${start.at}: a daemon that serves "${words}"`, {
        evidence: output.tail,
      });
    await serves('listen web');
    changeTemplate = async () => {
      const [last]: readonly {readonly pass: number}[] = JSON.parse(await ask('/history'));
      told.pass = String(last?.pass);
      told.moment = new Date().toISOString();
      await appendFile(at('my.cfg.j2'), '\nlisten another\n  bind unix@another.sock\n');
      await serves('listen another');
    };
  });
  after(() => end());

  for (const block of [...runnable, questions]) {
    test(`${block.at} -> every command ends with 0, and shows what it promises`, async () => {
      if (block.lines.some(line => line.startsWith('haproxy-kontrol rollback'))) await changeTemplate();
      const setting: string[] = [];
      for (const {at, text} of commandsOf(block)) {
        if (text.endsWith('npm start') || /^sleep \d+$/.test(text)) continue;
        if (/^[A-Z]+=[^ ]*$|^[A-Z]+=\$\(.*\)$/.test(text)) {
          setting.push(text);
          continue;
        }
        const command = {at, text: [...setting, text].join('\n')};
        const promise = promiseOf(text);
        if (promise === undefined) await run(command);
        else await showsWithin(command, promise);
      }
    });
  }
});
