/** What a client of the control socket may say (docs/contract-2017.md#lifecycle), and our additions. */
export type ControlCommand =
  | {readonly is: 'STATE'}
  | {readonly is: 'GOTO' | 'WAIT'; readonly tag: string; readonly input: Buffer | undefined}
  | {readonly is: 'SET'; readonly name: string; readonly value: string}
  | {readonly is: 'DIE'}
  | {
      readonly is: 'JOB';
      readonly verb: 'start' | 'stop' | 'restart' | 'status' | 'tail';
      readonly jobs: readonly string[];
    }
  | {readonly is: 'unknown'; readonly reason: string};

/** A command, and whether its client wants to know why it was refused (`?` before the command: our `ctl` does). */
export interface Said {
  readonly command: ControlCommand;
  readonly explain: boolean;
}

const JOB_VERBS = ['start', 'stop', 'restart', 'status', 'tail'] as const;
const VARIABLE = /^[A-Za-z_][0-9A-Za-z_]{0,127}$/;

/** Those that every block is given: to set them would do nothing. */
const RESERVED = ['INPUT', 'INPUT_FILE', 'SOCKET'];

/** The bytes of a whole command. Line ends behind it are not part of it; all else behind the tag is input, verbatim. */
export function parseCommand(bytes: Buffer): Said {
  const whole = withoutLineEnds(bytes);
  const explain = whole[0] === '?'.charCodeAt(0);
  const [verb, rest] = splitWord(explain ? whole.subarray(1) : whole);
  return {explain, command: parse(verb, rest)};
}

function parse(verb: string, rest: Buffer | undefined): ControlCommand {
  switch (verb) {
    case 'STATE':
    case 'DIE':
      return {is: verb};
    case 'GOTO':
    case 'WAIT': {
      const [tag, input] = splitWord(rest ?? Buffer.alloc(0));
      return tag === '' ? unknown(`${verb} takes a tag`) : {is: verb, tag, input};
    }
    case 'SET': {
      const [name, value] = splitWord(rest ?? Buffer.alloc(0));
      return parseSet(name, value?.toString() ?? '');
    }
    case 'JOB': {
      const [name = '', ...jobs] = (rest?.toString() ?? '').split(/\s+/).filter(word => word !== '');
      const known = JOB_VERBS.find(one => one === name);
      return known === undefined ? unknown(`JOB takes one of ${JOB_VERBS.join(', ')}`) : {is: 'JOB', verb: known, jobs};
    }
    default:
      return unknown('expected STATE, GOTO, WAIT, SET, DIE or JOB');
  }
}

function parseSet(name: string, value: string): ControlCommand {
  if (!VARIABLE.test(name)) return unknown('SET takes the name of a variable, and its value');
  if (RESERVED.includes(name)) return unknown(`SET cannot change ${name}, which each block is given anew`);
  if (value.includes('\0')) return unknown('SET takes a value without NUL');
  return {is: 'SET', name, value};
}

const unknown = (reason: string): ControlCommand => ({is: 'unknown', reason});

const [BLANK, TAB, LF, CR] = [32, 9, 10, 13];

function withoutLineEnds(bytes: Buffer): Buffer {
  const last = bytes.findLastIndex(byte => byte !== LF && byte !== CR);
  return bytes.subarray(0, last + 1);
}

/** The first word, and what follows the one blank behind it; undefined when nothing does. */
function splitWord(bytes: Buffer): [word: string, rest: Buffer | undefined] {
  const end = bytes.findIndex(byte => byte === BLANK || byte === TAB || byte === LF);
  if (end === -1) return [bytes.toString(), undefined];
  return [bytes.toString('utf8', 0, end), bytes.subarray(end + 1)];
}
