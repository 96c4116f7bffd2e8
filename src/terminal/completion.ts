import type {CommandSpec} from './reference.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

type Reference = Readonly<Record<string, CommandSpec>>;

const flagsOf = ({options}: CommandSpec): string[] => [...Object.keys(options).map(name => `--${name}`), '--help'];

function bash(reference: Reference, others: readonly string[]): string {
  const cases = Object.entries(reference).map(([name, spec]) => {
    const words = name === 'completion' ? SHELLS.join(' ') : flagsOf(spec).join(' ');
    return `    ${name}) words="${words}" ;;\n`;
  });
  return `# bash completion of haproxy-kontrol
_haproxy_kontrol() {
  local words
  case "\${COMP_WORDS[1]}" in
${cases.join('')}    *) words="" ;;
  esac
  [ "$COMP_CWORD" -eq 1 ] && words="${[...Object.keys(reference), ...others].join(' ')}"
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _haproxy_kontrol haproxy-kontrol
`;
}

/** zsh runs bash's own functions once asked to. */
const zsh = (reference: Reference, others: readonly string[]): string =>
  `autoload -U +X compinit && compinit -u\nautoload -U +X bashcompinit && bashcompinit\n${bash(reference, others)}`;

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`\'`)}'`;

function fish(reference: Reference, others: readonly string[]): string {
  const base = 'complete -c haproxy-kontrol -f';
  const lines = Object.entries(reference).flatMap(([name, {summary, options}]) => [
    `${base} -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ...Object.entries(options).map(
      ([option, {short, help, type}]) =>
        `${base} -n '__fish_seen_subcommand_from ${name}' -l ${option}${short ? ` -s ${short}` : ''}${type === 'string' ? ' -r' : ''} -d ${quoted(help)}`,
    ),
  ]);
  const rest = others.map(name => `${base} -n __fish_use_subcommand -a ${name}`);
  const shells = `${base} -n '__fish_seen_subcommand_from completion' -a '${SHELLS.join(' ')}'`;
  return `# fish completion of haproxy-kontrol\n${[...lines, ...rest, shells].join('\n')}\n`;
}

/** The script that completes the commands of `reference`, and the bare names of `others`. */
export const completionOf = (shell: Shell, reference: Reference, others: readonly string[]): string =>
  ({bash, zsh, fish})[shell](reference, others);
