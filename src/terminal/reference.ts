/** An option as `parseArgs` takes it, with what `--help` says of it. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly help: string;
  /** What stands for the value in `--help`. */
  readonly value?: string;
}

/** How a command is called. */
export interface CommandSpec {
  readonly summary: string;
  /** The arguments, such as `[FROM [TO]]`. */
  readonly arguments?: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Command lines behind `haproxy-kontrol`, each with what it answers. */
  readonly examples: readonly (readonly [string, string])[];
}

const URL_OPTION: OptionSpec = {
  type: 'string',
  value: 'URL',
  help: 'the status port; http://127.0.0.1:$KONTROL_STATUS_PORT when absent',
};
const JSON_OPTION: OptionSpec = {type: 'boolean', help: 'as JSON, as the status port says it'};
const WATCH_OPTION: OptionSpec = {type: 'boolean', short: 'w', help: 'again every two seconds, until Ctrl-C'};
const ASKING = {url: URL_OPTION, json: JSON_OPTION};

/** The commands that ask a running daemon, in the order of `--help`. */
export const REFERENCE: Readonly<Record<string, CommandSpec>> = {
  status: {
    summary:
      'what it is doing, and why anything is wrong; exits 0 when all is well, 12 when not, 13 when nobody answers',
    options: {
      ...ASKING,
      watch: WATCH_OPTION,
      all: {type: 'boolean', short: 'a', help: 'all replicas that share a store, once they agree'},
      within: {type: 'string', value: 'SECONDS', help: 'with --all: how long they may disagree; 60 when absent'},
    },
    examples: [
      ['status', 'is it well?'],
      ['status --all', 'do all replicas serve the same? exits 12 when they do not, in time'],
      ['status --watch', 'follow a roll-out'],
      ['status --json', 'for a script; the exit code says the same'],
    ],
  },
  history: {
    summary: 'the last passes, or one of them in full',
    arguments: '[PASS]',
    options: {
      ...ASKING,
      failed: {type: 'boolean', help: 'only those that failed'},
      limit: {type: 'string', short: 'n', value: 'N', help: 'the last N (20)'},
    },
    examples: [
      ['history', 'what changed, and when?'],
      ['history --failed', 'what was refused, and why?'],
      ['history 9', 'who joined or left in pass 9, and which lines changed?'],
    ],
  },
  diff: {
    summary: 'what the last pass changed, what changed since a pass, or between two; passwords hidden',
    arguments: '[FROM [TO]]',
    options: {url: URL_OPTION},
    examples: [
      ['diff', 'what did the last change do?'],
      ['diff 7', 'what is different now from pass 7?'],
      ['diff 7 9', 'what changed between the two?'],
    ],
  },
  members: {
    summary: 'who is alive, who left and why, or the story of one IP',
    arguments: '[IP]',
    options: {
      ...ASKING,
      app: {type: 'string', value: 'APP', help: 'only this app'},
      gone: {type: 'boolean', help: 'those who left: when and why'},
    },
    examples: [
      ['members --app web', 'which pods of web are in?'],
      ['members --gone', 'which pod left at 10:40, and why?'],
      ['members 10.2.0.17', 'why is this IP in, or out?'],
    ],
  },
  top: {
    summary: 'live traffic by backend',
    options: {
      ...ASKING,
      once: {type: 'boolean', help: 'once, not live'},
      all: {type: 'boolean', short: 'a', help: 'frontends too'},
    },
    examples: [
      ['top', 'how is traffic?'],
      ['top --once --all', 'for a report'],
    ],
  },
  logs: {
    summary: "the last lines of the daemon's log, or of HAProxy's",
    options: {
      ...ASKING,
      access: {type: 'boolean', help: "HAProxy's log lines"},
      follow: {type: 'boolean', short: 'f', help: 'go on as they come'},
      lines: {type: 'string', short: 'n', value: 'N', help: 'the last N (100)'},
    },
    examples: [
      ['logs -f', 'what is it doing right now?'],
      ['logs --access -n 20', 'who asked for what?'],
    ],
  },
  ping: {
    summary: 'sends one keepalive, as a slave does: to try a master out',
    options: {
      master: {type: 'string', value: 'HOST:PORT', help: 'the master; 127.0.0.1:8000 when absent'},
      ip: {type: 'string', value: 'IP', help: "the pod's address (required)"},
      app: {type: 'string', value: 'APP', help: 'its app label (required)'},
      role: {type: 'string', value: 'ROLE', help: 'its role label (test)'},
      id: {type: 'string', value: 'NAME', help: 'its name (ping-IP)'},
      payload: {type: 'string', value: 'JSON', help: 'its payload'},
      down: {type: 'boolean', help: 'it goes'},
    },
    examples: [
      ['ping --app web --ip 10.2.0.17', 'take a pod in by hand; it expires after KONTROL_TTL'],
      ['ping --app web --ip 10.2.0.17 --down', 'and out again'],
    ],
  },
  completion: {
    summary: 'a script that completes these commands in a shell',
    arguments: 'bash|zsh|fish',
    options: {},
    examples: [
      ['completion bash', 'source it: . <(haproxy-kontrol completion bash)'],
      ['completion fish', 'haproxy-kontrol completion fish > ~/.config/fish/completions/haproxy-kontrol.fish'],
    ],
  },
};

const flagOf = ([name, {short, value}]: readonly [string, OptionSpec]): string =>
  `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;

const aligned = (pairs: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...pairs.map(([left]) => left.length));
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('');
};

/** What `haproxy-kontrol <name> --help` says. */
export function describeCommand(name: string, {summary, options, examples, ...spec}: CommandSpec): string {
  const help: OptionSpec = {type: 'boolean', short: 'h', help: 'this text'};
  const flags = Object.entries({...options, help}).map(entry => [flagOf(entry), entry[1].help] as const);
  const usage = ['haproxy-kontrol', name, '[options]', spec.arguments].filter(Boolean).join(' ');
  return `usage: ${usage}\n\n${summary}\n\noptions:\n${aligned(flags)}\nexamples:\n${aligned(
    examples.map(([line, answer]) => [`haproxy-kontrol ${line}`, answer]),
  )}`;
}

/** One line a command, for the list of all commands. */
export const describeCommands = (): string =>
  Object.entries(REFERENCE)
    .map(([name, {summary}]) => `  ${name.padEnd(12)}${summary}\n`)
    .join('');
