import {COMMANDS, type CommandSpec, REFERENCE} from './reference.ts';

export type Shell = keyof typeof REFERENCE.completion.arguments.choices;

export const SHELLS = Object.keys(REFERENCE.completion.arguments.choices) as readonly Shell[];

const choicesOf = (spec: CommandSpec): string[] => Object.keys(spec.arguments?.choices ?? {});

const wordsOf = (spec: CommandSpec): string =>
  [...choicesOf(spec), ...Object.keys(spec.options).map(name => `--${name}`), '--help'].join(' ');

function bash(): string {
  const cases = Object.entries(COMMANDS).map(([name, spec]) => `    ${name}) words="${wordsOf(spec)}" ;;\n`);
  return `# bash completion of haproxy-kontrol
_haproxy_kontrol() {
  local words
  case "\${COMP_WORDS[1]}" in
${cases.join('')}    *) words="" ;;
  esac
  [ "$COMP_CWORD" -eq 1 ] && words="${Object.keys(COMMANDS).join(' ')} --help --version"
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _haproxy_kontrol haproxy-kontrol
`;
}

/** zsh runs bash's own functions once asked to. */
const zsh = (): string =>
  `autoload -U +X compinit && compinit -u\nautoload -U +X bashcompinit && bashcompinit\n${bash()}`;

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`\'`)}'`;

function fish(): string {
  const base = 'complete -c haproxy-kontrol -f';
  const lines = Object.entries(COMMANDS).flatMap(([name, spec]) => {
    const within = `${base} -n '__fish_seen_subcommand_from ${name}'`;
    const choices = choicesOf(spec);
    return [
      `${base} -n __fish_use_subcommand -a ${name} -d ${quoted(spec.summary)}`,
      ...Object.entries(spec.options).map(
        ([option, {short, help, type}]) =>
          `${within} -l ${option}${short ? ` -s ${short}` : ''}${type === 'string' ? ' -r' : ''} -d ${quoted(help)}`,
      ),
      ...(choices.length === 0 ? [] : [`${within} -a '${choices.join(' ')}'`]),
    ];
  });
  return `# fish completion of haproxy-kontrol\n${lines.join('\n')}\n`;
}

/** The script that completes every command of the reference, its options and what its argument is chosen from. */
export const completionOf = (shell: Shell): string => ({bash, zsh, fish})[shell]();
