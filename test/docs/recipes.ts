import {readFileSync} from 'node:fs';
import {anchorOf} from './documents.ts';

/** A template of docs/recipes.md. */
export interface Recipe {
  /** The anchor of its heading. */
  readonly name: string;
  /** The first HAProxy that takes it. */
  readonly from: readonly [major: number, minor: number];
  readonly template: string;
}

const SECTION = /^## (.+)\n([\s\S]*?)(?=^## |(?![\s\S]))/gm;
const blockIn = (text: string): string | undefined => /^```jinja\n([\s\S]*?)^```$/m.exec(text)?.[1];

const sections = [...readFileSync('docs/recipes.md', 'utf8').matchAll(SECTION)].map(([, heading = '', text = '']) => ({
  name: anchorOf(heading),
  text,
}));

/** What goes before every recipe. */
export const FRAME = blockIn(sections[0]?.text ?? '') ?? '';

export const RECIPES: readonly Recipe[] = sections.slice(1).map(({name, text}) => {
  const [, major, minor] = /^From HAProxy (\d+)\.(\d+) on\./m.exec(text) ?? [];
  const template = blockIn(text);
  if (major === undefined || template === undefined) throw new Error(`${name} has no template, or says no version`);
  return {name, from: [Number(major), Number(minor)], template};
});
