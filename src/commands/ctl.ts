import {connect} from 'node:net';
import {loadSocketPath} from '../config/load.ts';
import {EXIT_CODES, systemCodeOf} from '../errors.ts';

const USAGE = `usage: haproxy-kontrol ctl <command>      speaks to the daemon on its control socket (KONTROL_SOCKET)

  STATE                       the lifecycle's state
  GOTO TAG [INPUT]            asks for a state; done once it is entered
  WAIT TAG [INPUT]            asks for a state; done once its work is
  SET NAME VALUE              a variable for the shell blocks from now on
  DIE                         stops the daemon as SIGTERM does
  start|stop|restart JOB...   a job of lifecycle.yml, haproxy, or all
  status [JOB...]             how the jobs are
  tail JOB                    what it wrote last

  An INPUT of "-" is read from standard input.
`;

const LIFECYCLE_COMMANDS = ['STATE', 'GOTO', 'WAIT', 'SET', 'DIE'];
const JOB_COMMANDS = ['start', 'stop', 'restart', 'status', 'tail'];

/** `haproxy-kontrol ctl`: says one command, prints the answer. 0 when it was obeyed, 1 when not, 64 for a wrong call, 5 when nobody listens. */
export async function ctl(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  if (['-h', '--help', 'help'].includes(name)) {
    process.stdout.write(USAGE);
    return 0;
  }
  const socketPath = loadSocketPath();
  if (!LIFECYCLE_COMMANDS.includes(name) && !JOB_COMMANDS.includes(name)) {
    process.stderr.write(`haproxy-kontrol ctl: no such command: ${name || '(none)'}\n${USAGE}`);
    return EXIT_CODES.USAGE;
  }
  const isJob = JOB_COMMANDS.includes(name);
  const message = isJob ? Buffer.from(`JOB ${args.join(' ')}`) : await lifecycleMessage(name, rest);
  let answer: string;
  try {
    answer = await exchange(socketPath, Buffer.concat([Buffer.from('?'), message, Buffer.from('\n')]));
  } catch (error) {
    const reason = NOBODY.has(systemCodeOf(error) ?? '') ? 'no daemon listens there' : String(error);
    process.stderr.write(`haproxy-kontrol ctl: cannot speak to ${socketPath} (KONTROL_SOCKET): ${reason}\n`);
    return EXIT_CODES.LISTEN;
  }
  return print(answer, isJob);
}

const NOBODY = new Set(['ENOENT', 'ECONNREFUSED']);

async function lifecycleMessage(name: string, [first, ...words]: readonly string[]): Promise<Buffer> {
  const head = [name, ...(first === undefined ? [] : [first])].join(' ');
  if (words.length === 0) return Buffer.from(head);
  const input = words.length === 1 && words[0] === '-' ? await readInput() : Buffer.from(words.join(' '));
  return Buffer.concat([Buffer.from(`${head} `), input]);
}

async function readInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function exchange(path: string, message: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(path, () => socket.end(message));
    socket.on('data', chunk => chunks.push(chunk));
    socket.once('error', reject);
    socket.once('close', () => resolve(Buffer.concat(chunks).toString()));
  });
}

function print(answer: string, isJob: boolean): number {
  const isRefused = answer === '' || /^KO(\s|$)/.test(answer);
  const text = isJob ? answer.replace(/^(OK|KO)[\n ]?/, '') : answer;
  (isRefused && !isJob ? process.stderr : process.stdout).write(`${answer === '' ? 'the daemon went away' : text}\n`);
  return isRefused ? 1 : 0;
}
