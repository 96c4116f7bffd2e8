import {readFileSync} from 'node:fs';

/** A fenced block of a document. */
export interface Block {
  /** `README.md:25`: the line of its first line of text. */
  readonly at: string;
  readonly language: string;
  readonly lines: readonly string[];
}

const FENCE = /^( *)```(.*)$/;

/** The fenced blocks of a document, without the indent that a list gives them. */
export function blocksOf(document: string): Block[] {
  const blocks: Block[] = [];
  let open: {at: string; indent: string; language: string; lines: string[]} | undefined;
  for (const [index, line] of readFileSync(document, 'utf8').split('\n').entries()) {
    const [, indent = '', language = ''] = FENCE.exec(line) ?? [];
    const isFence = FENCE.test(line);
    if (open === undefined && isFence) open = {at: `${document}:${index + 2}`, indent, language, lines: []};
    else if (open !== undefined && isFence && language === '') {
      blocks.push(open);
      open = undefined;
    } else if (open !== undefined) open.lines.push(line.slice(open.indent.length));
  }
  return blocks;
}

/** A command of a block: what `\` continues is one. */
export interface Command {
  /** `README.md:25` */
  readonly at: string;
  readonly text: string;
}

export function commandsOf({at, lines}: Block): Command[] {
  const [document = '', first = ''] = at.split(/:(?=\d+$)/);
  const commands: Command[] = [];
  let from: number | undefined;
  for (const [index, line] of lines.entries()) {
    from ??= index;
    if (line.endsWith('\\')) continue;
    const text = lines.slice(from, index + 1).join('\n');
    if (text.trim() !== '') commands.push({at: `${document}:${Number(first) + from}`, text});
    from = undefined;
  }
  return commands;
}
