import {stripVTControlCharacters} from 'node:util';

const CONTROL = /\p{Cc}+/gu;

/** A cell may not move the cursor nor break its line, whoever chose its text. */
export const plain = (text: string): string => stripVTControlCharacters(text).replace(CONTROL, ' ');

/** The same of lines that stay lines. Tabs stay as well: a configuration may be indented by them, and a caret below it. */
export const plainLines = (text: string): string => text.replace(/[^\n\t]+/g, plain);
