import {existsSync, globSync, readFileSync} from 'node:fs';
import {dirname, join, normalize} from 'node:path';

/** The documents that people read, by path from the root of the repository. */
export const DOCUMENTS: readonly string[] = [...globSync('*.md'), ...globSync('docs/**/*.md')].sort();

const textOf = (path: string): string => readFileSync(path, 'utf8');

/** A document without its blocks of code: what looks like a heading or a link in there is none. */
const proseOf = (path: string): string => textOf(path).replace(/^( *)```[\s\S]*?^\1```$/gm, '');

/** The anchor that GitHub gives a heading. */
export const anchorOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- _]/gu, '')
    .replaceAll(' ', '-');

const anchors = new Map<string, ReadonlySet<string>>();

function anchorsOf(path: string): ReadonlySet<string> {
  const known = anchors.get(path);
  if (known !== undefined) return known;
  const headings = [...proseOf(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
  const found = new Set(headings);
  anchors.set(path, found);
  return found;
}

/** Why `path#anchor`, from the root, leads nowhere; undefined when it does lead somewhere. */
export function faultOf(path: string, anchor: string | undefined): string | undefined {
  if (!existsSync(path)) return `there is no ${path}`;
  if (anchor === undefined || !path.endsWith('.md') || anchorsOf(path).has(anchor)) return undefined;
  return `${path} has no heading #${anchor}`;
}

export interface Reference {
  readonly from: string;
  readonly path: string;
  readonly anchor: string | undefined;
}

/** The links of a document that lead to files. */
export const linksOf = (document: string): Reference[] =>
  [...proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter(target => !/^[a-z]+:/.test(target))
    .map(target => {
      const [path = '', anchor] = target.split('#', 2);
      return {from: document, path: path === '' ? document : normalize(join(dirname(document), path)), anchor};
    });

const PATH = /^(?:src|test|docs|docker|alpine-3\.5|\.ci)\/[\w./-]*$/;

/** The files and folders of the repository that a document names in backquotes. */
export const pathsOf = (document: string): Reference[] =>
  [...proseOf(document).matchAll(/`([^`\s]+)`/g)]
    .map(([, text = '']) => text)
    .filter(text => PATH.test(text))
    .map(path => ({from: document, path, anchor: undefined}));

/** The citations of documents in source text: `docs/NAME.md`, and `#heading` where it is about a part of it. */
export const citationsOf = (file: string): Reference[] =>
  [...textOf(file).matchAll(/(?<![\w./-])((?:docs\/)?[\w.-]+\.md)\b(?:#([\w-]+))?/g)].map(([, path = '', anchor]) => ({
    from: file,
    path,
    anchor,
  }));
