import {connect} from 'node:net';
import {findNearest} from '../config/edit-distance.ts';
import {loadSocketPath} from '../config/load.ts';
import {DaemonError, EXIT_CODES, reasonOf, systemCodeOf} from '../errors.ts';
import {describeUsage} from '../terminal/help.ts';
import {REFERENCE} from '../terminal/reference.ts';
import type {CommandMain} from './call.ts';
import {readInput} from './read-input.ts';

type Word = keyof typeof REFERENCE.ctl.arguments.choices;

/** The words about a job; the others are about the lifecycle. */
const JOB_WORDS: readonly Word[] = ['start', 'stop', 'restart', 'status', 'tail'];

const isWord = (given: string): given is Word => Object.hasOwn(REFERENCE.ctl.arguments.choices, given);

/** `haproxy-kontrol ctl`: says one command, prints the answer. Resolves with 1 when it was not obeyed. */
export const ctl: CommandMain<'ctl'> = async ({positionals, print, warn}) => {
  const [word = '', ...rest] = positionals;
  if (!isWord(word)) {
    const meant = findNearest(word, Object.keys(REFERENCE.ctl.arguments.choices));
    const question = meant === undefined ? '' : `; is it ${meant}?`;
    const reason = word === '' ? 'say what to do' : `there is no ${word}${question}`;
    throw new DaemonError('USAGE', `cannot run ctl: ${reason}`, {detail: describeUsage('ctl')});
  }
  const socketPath = loadSocketPath();
  const isJob = JOB_WORDS.includes(word);
  const message = isJob ? Buffer.from(`JOB ${positionals.join(' ')}`) : await lifecycleMessage(word, rest);
  const answer = await exchange(socketPath, Buffer.concat([Buffer.from('?'), message, Buffer.from('\n')])).catch(
    cause => {
      const reason = NOBODY.has(systemCodeOf(cause) ?? '') ? 'no daemon listens there' : reasonOf(cause);
      throw new DaemonError('LISTEN', `cannot speak to ${socketPath} (KONTROL_SOCKET): ${reason}`, {cause});
    },
  );
  const isRefused = answer === '' || /^KO(\s|$)/.test(answer);
  const text = isJob ? answer.replace(/^(OK|KO)[\n ]?/, '') : answer;
  (isRefused && !isJob ? warn : print)(`${answer === '' ? 'the daemon went away' : text}\n`);
  return isRefused ? EXIT_CODES.UNEXPECTED : 0;
};

const NOBODY = new Set(['ENOENT', 'ECONNREFUSED']);

async function lifecycleMessage(name: string, [first, ...words]: readonly string[]): Promise<Buffer> {
  const head = [name, ...(first === undefined ? [] : [first])].join(' ');
  if (words.length === 0) return Buffer.from(head);
  const input = words.length === 1 && words[0] === '-' ? await readStdin() : Buffer.from(words.join(' '));
  return Buffer.concat([Buffer.from(`${head} `), input]);
}

const readStdin = (): Promise<Buffer> =>
  readInput(process.stdin).catch(error => {
    throw new DaemonError('USAGE', `cannot read stdin: ${reasonOf(error)}`, {cause: error});
  });

function exchange(path: string, message: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(path, () => socket.end(message));
    socket.on('data', chunk => chunks.push(chunk));
    socket.once('error', reject);
    socket.once('close', () => resolve(Buffer.concat(chunks).toString()));
  });
}
