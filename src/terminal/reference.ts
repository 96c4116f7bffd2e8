import type {ErrorCode} from '../errors.ts';

/** An option as `parseArgs` takes it, with what `--help` says of it. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly help: string;
  /** What stands for the value in `--help`. */
  readonly value?: string;
}

/** What `--help` says of the arguments, such as `[FROM [TO]]`, and how many there may be. */
export interface ArgumentsSpec {
  readonly shown: string;
  readonly most: number;
  /** What the first one is chosen from, each with its own arguments and what it does. */
  readonly choices?: Readonly<Record<string, {readonly arguments?: string; readonly help: string}>>;
}

/** How a command is called. */
export interface CommandSpec {
  readonly summary: string;
  readonly arguments?: ArgumentsSpec;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Its arguments are somebody's input, dashes and all: none of them is an option, but `--help` as the first. */
  readonly isRaw?: true;
  /** Command lines behind `haproxy-kontrol`, each with what it answers. */
  readonly examples: readonly (readonly [string, string])[];
  /** What 0 means. */
  readonly success: string;
  /** What else its exit code may say; a wrong call (USAGE) and the unexpected are the same for all. */
  readonly failures: Readonly<Partial<Record<ErrorCode, string>>>;
}

const URL_OPTION = {
  type: 'string',
  value: 'URL',
  help: 'the status port; http://127.0.0.1:$KONTROL_STATUS_PORT when absent',
} as const;
const JSON_OPTION = {type: 'boolean', help: 'as JSON, as the status port says it'} as const;
const WATCH_OPTION = {type: 'boolean', short: 'w', help: 'again every two seconds, until Ctrl-C'} as const;
const ASKING = {url: URL_OPTION, json: JSON_OPTION} as const;

const OPERATING = {
  url: URL_OPTION,
  'token-file': {
    type: 'string',
    value: 'FILE',
    help: "the operators' token; HAPROXY_KONTROL_TOKEN, or the file that KONTROL_TOKEN_FILE names, when absent",
  },
  yes: {type: 'boolean', short: 'y', help: 'without a question'},
} as const;

const OPERATED = 'it is done, or the question was answered with no';
const REFUSING = {
  VALIDATE: 'it would fail, or its pass failed: why is printed; what served before serves on',
  UNHEALTHY: 'the daemon could not answer',
  UNREACHABLE: 'nobody answers at the status port',
} as const;

const ANSWERED = 'it was answered';
const UNANSWERED = {
  UNHEALTHY: 'the daemon could not answer',
  UNREACHABLE: 'nobody answers at the status port',
} as const;

const TEMPLATE_OPTIONS = {
  template: {type: 'string', value: 'FILE', help: 'a Jinja2 template (- for stdin), or'},
  manifest: {
    type: 'string',
    value: 'FILE',
    help: 'a YAML manifest that holds one in the annotation haproxy.unity3d.com/config',
  },
  name: {type: 'string', value: 'NAME', help: 'which object of the manifest, where several have one'},
  key: {type: 'string', value: 'KEY', help: "the key of the manifest's ConfigMaps that holds a template"},
} as const;

/** Every command, in the order of `--help`: dispatch, `--help`, completion and the check of arguments come from here. */
export const REFERENCE = {
  run: {
    summary: 'the daemon, configured by its environment (docs/settings.md)',
    options: {},
    examples: [
      ['run', 'serve until SIGTERM, then drain and go; a second SIGTERM cuts the waits short, SIGHUP is a pass now'],
    ],
    success: 'a drained, orderly stop',
    failures: {
      CONFIG: 'configuration: every fault is in the message',
      DATA: 'the data folder cannot be used, or another daemon uses it',
      HAPROXY: 'HAProxy cannot be run',
      LISTEN: 'a port cannot be bound',
      LIFECYCLE: 'lifecycle.yml or one of its blocks',
      APPLY: 'the first configuration cannot be started, and there was no last good proxy.cfg',
      PROXY: 'HAProxy died too often in a row',
      DRAIN: 'connections outlived the grace at the stop and were cut',
      KUBERNETES: "the pod's facts cannot be learned",
    },
  },
  render: {
    summary: 'prints the configuration that the daemon would render of a template and hosts',
    options: {
      ...TEMPLATE_OPTIONS,
      hosts: {type: 'string', value: 'FILE|JSON', help: 'the hosts: {"app": ["10.0.0.1", ...], ...}'},
    },
    examples: [
      [`render --template proxy.j2 --hosts '{"web": ["10.0.0.1"]}'`, 'what does it make of one pod?'],
      ['render --manifest deployment.yaml --hosts hosts.json', 'the template of a deployment, hosts from a file'],
    ],
    success: 'rendered',
    failures: {
      CONFIG: 'a setting in the environment is no good (KONTROL_RENDER_TIMEOUT, ...)',
      RENDER: 'the template failed: its line is on stderr',
    },
  },
  check: {
    summary: 'renders, and has HAProxy check the result; its messages name the lines of the template',
    options: {
      ...TEMPLATE_OPTIONS,
      hosts: {
        type: 'string',
        value: 'FILE|JSON',
        help: 'the hosts: {"app": ["10.0.0.1", ...], ...}; when absent, samples, and then none',
      },
      strict: {type: 'boolean', help: 'refuse names that nothing defines, and apps that --apps or --hosts do not name'},
      apps: {type: 'string', value: 'APP,...', help: 'the apps that there are: others are refused, these are sampled'},
      werror: {type: 'boolean', help: 'warnings are errors'},
      watch: {type: 'boolean', short: 'w', help: 'again whenever template, manifest or hosts change, until Ctrl-C'},
      live: {
        type: 'string',
        value: 'URL',
        help: "with today's members of the daemon with this status port, beside what serves there; it applies nothing",
      },
      'token-file': OPERATING['token-file'],
      expect: {type: 'string', value: 'FILE', help: 'the text that has to come out; where it differs is an error'},
      update: {type: 'boolean', help: 'write that file instead'},
      format: {type: 'string', value: 'FORMAT', help: 'text (when absent), github, junit or json'},
    },
    examples: [
      ['check --manifest deployment.yaml', 'may this be rolled out? all templates of the file'],
      ['check --template proxy.j2 --watch', 'while it is written'],
      ['check --template - < proxy.j2', 'the same of a template on its own'],
      ['check --manifest deployment.yaml --strict --apps web,api --werror', 'nothing misspelt, nothing to warn of?'],
      ['check --manifest deployment.yaml --live http://10.2.0.3:8001', 'what would it change there, and by a reload?'],
      [`check --template proxy.j2 --hosts hosts.json --expect proxy.cfg`, 'does it still give what it gave?'],
      ['check --manifest configmap.yaml --key proxy.j2 --format junit', 'a ConfigMap, for a CI that reads JUnit'],
    ],
    success: 'HAProxy takes it; warnings are told',
    failures: {
      CONFIG: 'a setting in the environment is no good (KONTROL_HAPROXY, ...)',
      HAPROXY: 'HAProxy cannot be run',
      RENDER: 'a template failed, or has an unknown name: its line is told',
      VALIDATE: 'HAProxy refuses it, it warns (--werror), or another text came out (--expect)',
      UNHEALTHY: 'the daemon of --live could not answer',
      UNREACHABLE: 'nobody answers at the status port of --live',
    },
  },
  ctl: {
    summary: 'speaks to a running daemon on its control socket (KONTROL_SOCKET); an INPUT of "-" is read from stdin',
    arguments: {
      shown: '<word> [...]',
      most: Number.POSITIVE_INFINITY,
      choices: {
        STATE: {help: "the lifecycle's state"},
        GOTO: {arguments: 'TAG [INPUT]', help: 'asks for a state; done once it is entered'},
        WAIT: {arguments: 'TAG [INPUT]', help: 'asks for a state; done once its work is'},
        SET: {arguments: 'NAME VALUE', help: 'a variable for the shell blocks from now on'},
        DIE: {help: 'stops the daemon as SIGTERM does'},
        start: {arguments: 'JOB...', help: 'starts jobs of lifecycle.yml, haproxy, or all'},
        stop: {arguments: 'JOB...', help: 'stops them'},
        restart: {arguments: 'JOB...', help: 'stops and starts them; haproxy takes proxy.cfg as it lies there'},
        status: {arguments: '[JOB...]', help: 'how the jobs are'},
        tail: {arguments: 'JOB', help: 'what it wrote last'},
      },
    },
    options: {},
    isRaw: true,
    examples: [
      ['ctl STATE', 'what is it doing?'],
      ['ctl WAIT configure', 'a pass now; done once it is applied'],
      ['ctl WAIT configure - < hosts.json', 'one pass with these hosts'],
      ['ctl restart telegraf', 'a job, as with supervisorctl'],
    ],
    success: 'it was obeyed',
    failures: {UNEXPECTED: 'it was refused: the answer says why', LISTEN: 'no daemon listens on the socket'},
  },
  demo: {
    summary: 'the daemon with three backends on loopback that ping it: something to look at, until Ctrl-C',
    options: {},
    examples: [['demo', 'prints where to look and what to try; everything lives in a temporary folder']],
    success: 'stopped by Ctrl-C',
    failures: {PROXY: 'the daemon did not come up, or ended: why is on stderr'},
  },
  status: {
    summary: 'what it is doing, and why anything is wrong',
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
    success: 'all is well',
    failures: {
      UNHEALTHY: 'something is wrong, or replicas disagree',
      UNREACHABLE: 'nobody answers at the status port',
    },
  },
  history: {
    summary: 'the last passes, or one of them in full',
    arguments: {shown: '[PASS]', most: 1},
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
    success: ANSWERED,
    failures: UNANSWERED,
  },
  diff: {
    summary: 'what the last pass changed, what changed since a pass, or between two; credentials hidden',
    arguments: {shown: '[FROM [TO]]', most: 2},
    options: {url: URL_OPTION, json: {type: 'boolean', help: 'as JSON: the difference, and what it is of'}},
    examples: [
      ['diff', 'what did the last change do?'],
      ['diff 7', 'what is different now from pass 7?'],
      ['diff 7 9', 'what changed between the two?'],
    ],
    success: ANSWERED,
    failures: UNANSWERED,
  },
  members: {
    summary: 'who is alive and what HAProxy sees of each, who left and why, or one pod in full',
    arguments: {shown: '[IP or POD]', most: 1},
    options: {
      ...ASKING,
      app: {type: 'string', value: 'APP', help: 'only this app'},
      gone: {type: 'boolean', help: 'those who left: when and why'},
    },
    examples: [
      ['members --app web', 'which pods of web are in?'],
      ['members --gone', 'which pod left at 10:40, and why?'],
      ['members 10.2.0.17', 'why is this IP in, or out?'],
      ['members web-7c9f', 'does that pod get requests, and what happened to it?'],
    ],
    success: ANSWERED,
    failures: UNANSWERED,
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
    success: 'it was answered, or ended by Ctrl-C',
    failures: UNANSWERED,
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
    success: ANSWERED,
    failures: UNANSWERED,
  },
  rollback: {
    summary: "an older pass's template with today's hosts, until it is released; shows what changes, and asks",
    arguments: {shown: '[PASS]', most: 1},
    options: {
      ...OPERATING,
      at: {type: 'string', value: 'TIME', help: 'instead of a pass: what served then (UTC), such as 12:04'},
    },
    examples: [
      ['rollback', 'back to the last other template that worked'],
      ['rollback 7', 'back to the template of pass 7 (haproxy-kontrol history)'],
      ["rollback --at '2026-11-28 12:04' --yes", 'back to what served then, without a question'],
    ],
    success: OPERATED,
    failures: REFUSING,
  },
  release: {
    summary: "ends a rollback: back to today's template; shows what changes, and asks",
    options: OPERATING,
    examples: [['release', 'once the template is mended']],
    success: OPERATED,
    failures: REFUSING,
  },
  reconfigure: {
    summary: 'a pass now; HAProxy is reloaded where it runs something else than its configuration; asks',
    options: OPERATING,
    examples: [['reconfigure --yes', 'end a drift without a question']],
    success: OPERATED,
    failures: REFUSING,
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
    success: 'the master took it',
    failures: {UNHEALTHY: 'the master refused it: the answer is printed', UNREACHABLE: 'no master answers there'},
  },
  completion: {
    summary: 'a script that completes these commands in a shell',
    arguments: {
      shown: '<shell>',
      most: 1,
      choices: {
        bash: {help: 'to be sourced'},
        zsh: {help: 'to be sourced'},
        fish: {help: 'to be saved among its completions'},
      },
    },
    options: {},
    examples: [
      ['completion bash', 'source it: . <(haproxy-kontrol completion bash)'],
      ['completion fish', 'haproxy-kontrol completion fish > ~/.config/fish/completions/haproxy-kontrol.fish'],
    ],
    success: 'printed',
    failures: {},
  },
} as const satisfies Readonly<Record<string, CommandSpec>>;

export type CommandName = keyof typeof REFERENCE;

type OptionsOf<Name extends CommandName> = (typeof REFERENCE)[Name]['options'];

/** The options of a command that are there or not. */
export type FlagOf<Name extends CommandName> = {
  [Option in keyof OptionsOf<Name>]: OptionsOf<Name>[Option] extends {readonly type: 'boolean'} ? Option : never;
}[keyof OptionsOf<Name>];

/** The options of a command that have a value. */
export type ValuedOf<Name extends CommandName> = {
  [Option in keyof OptionsOf<Name>]: OptionsOf<Name>[Option] extends {readonly type: 'string'} ? Option : never;
}[keyof OptionsOf<Name>];

/** The commands by name, for those who go through all of them. */
export const COMMANDS: Readonly<Record<CommandName, CommandSpec>> = REFERENCE;

/** Whether that is one of ours: `constructor` is not. */
export const isCommand = (name: string): name is CommandName => Object.hasOwn(REFERENCE, name);
