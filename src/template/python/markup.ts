import {str} from './print.ts';
import {Markup, type Value} from './value.ts';

const ENTITIES: Readonly<Record<string, string>> = {'&': '&amp;', '>': '&gt;', '<': '&lt;', "'": '&#39;', '"': '&#34;'};

export const escapeText = (text: string): string => text.replace(/[&><'"]/g, character => ENTITIES[character] ?? '');

/** markupsafe's `escape`: Markup as it is, all else printed with its HTML characters escaped. */
export const asMarkup = (value: Value): Markup =>
  value instanceof Markup ? value : new Markup(escapeText(str(value)));

/** Joins into Markup, escaping what is none. */
export const joinMarkup = (values: readonly Value[], separator = ''): Markup =>
  new Markup(values.map(value => asMarkup(value).text).join(separator));

/** Text of a kind: Markup when `like` is. */
export const textLike = (like: Value, text: string): string | Markup =>
  like instanceof Markup ? new Markup(text) : text;
