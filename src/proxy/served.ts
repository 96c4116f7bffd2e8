import {parseBinds, tcpPorts} from './binds.ts';
import {parseFrameLines, type Section} from './lines.ts';

const UNSEEN_SECTIONS = new Set(['global', 'peers']);

/**
 * The TCP ports that a HAProxy which runs this text must be seen to listen on, ascending; undefined when the text does
 * not say (`.if` blocks). Sections that are `disabled`, by themselves or by their `defaults`, listen on nothing; a bind
 * in another `namespace` is not seen from here; peers are left out, since only HAProxy knows which one it is.
 */
export function parseServedPorts(text: string): number[] | undefined {
  const idleLines = findIdleLines(text);
  if (idleLines === undefined) return undefined;
  const served = parseBinds(text).filter(
    ({section, options, line}) =>
      !UNSEEN_SECTIONS.has(section.kind) && !options.includes('namespace') && !idleLines.has(line),
  );
  return tcpPorts(served);
}

/** The numbers of the lines in disabled sections; undefined when the text has conditions. */
function findIdleLines(text: string): ReadonlySet<number> | undefined {
  const idle = new Set<number>();
  let section: Section | undefined;
  let lines: number[] = [];
  let isDefaultDisabled = false;
  let isDisabled = false;
  const closeSection = () => {
    if (section?.kind === 'defaults') isDefaultDisabled = isDisabled;
    else if (isDisabled) for (const line of lines) idle.add(line);
  };
  for (const line of parseFrameLines(text)) {
    const first = line.words[0]?.text ?? '';
    if (first.startsWith('.')) return undefined;
    if (line.section !== section) {
      closeSection();
      section = line.section;
      lines = [];
      isDisabled = section.kind !== 'defaults' && isDefaultDisabled;
    }
    lines.push(line.number);
    if (first === 'disabled' || first === 'enabled') isDisabled = first === 'disabled';
  }
  closeSection();
  return idle;
}
