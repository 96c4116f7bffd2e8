import {wantCount, wantText} from '../python/builtin.ts';
import {Dict} from '../python/dict.ts';
import {raise} from '../python/fault.ts';
import {stripTags} from '../python/html.ts';
import {iterate, toList} from '../python/iterate.ts';
import {dumps} from '../python/json.ts';
import {asMarkup, escapeText} from '../python/markup.ts';
import {quoted, str} from '../python/print.ts';
import {split} from '../python/str-split.ts';
import {truth} from '../python/truth.ts';
import {typeName} from '../python/type-name.ts';
import {Markup, textOf, Undefined, type Value} from '../python/value.ts';
import {operationTable} from './operation.ts';
import type {Run} from './run.ts';
import {urlize} from './urlize.ts';

const safeIf = (run: Run, text: string): Value => (run.autoescape ? new Markup(text) : text);

function xmlAttributes(run: Run, [value = null, autospace = true]: readonly Value[]): Value {
  if (value instanceof Undefined) raise('UndefinedError', value.reason);
  if (!(value instanceof Dict)) raise('AttributeError', `'${typeName(value)}' object has no attribute 'items'`);
  const parts: string[] = [];
  for (const [key, item] of value.entries()) {
    if (item === null || item instanceof Undefined) continue;
    const name = wantText(key);
    if (/[\t-\r /=>]/.test(name)) raise('ValueError', `Invalid character in attribute name: ${quoted(name)}`);
    parts.push(`${asMarkup(key).text}="${asMarkup(item).text}"`);
  }
  const text = parts.join(' ');
  return safeIf(run, truth(autospace) && text !== '' ? ` ${text}` : text);
}

/** Python's `urllib.parse.quote`. */
function urlQuote(value: Value, forQuery: boolean): string {
  const text = new TextEncoder().encode(str(value));
  const kept = forQuery ? /[A-Za-z0-9_.~-]/ : /[A-Za-z0-9_.~/-]/;
  const quotedBytes = [...text].map(byte => {
    const character = String.fromCharCode(byte);
    return kept.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  });
  const result = quotedBytes.join('');
  return forQuery ? result.replaceAll('%20', '+') : result;
}

function urlEncode(value: Value): Value {
  if (textOf(value) !== undefined || !isIterable(value)) return urlQuote(value, false);
  const pairs = value instanceof Dict ? [...value.entries()] : [...iterate(value)].map(toList);
  return pairs
    .map(pair => {
      const [key, item] = pair;
      if (key === undefined || item === undefined || pair.length !== 2)
        raise('ValueError', 'not enough values to unpack (expected 2)');
      return `${urlQuote(key, true)}=${urlQuote(item, true)}`;
    })
    .join('&');
}

function isIterable(value: Value): boolean {
  try {
    iterate(value);
    return true;
  } catch {
    return false;
  }
}

/** JSON that HTML does not mistake for markup. */
function toJson([value = null, given = null]: readonly Value[]): Value {
  const indent =
    given === null ? undefined : (textOf(given) ?? ' '.repeat(Math.min(1000, Math.max(0, wantCount(given)))));
  const text = dumps(value, indent).replace(/[<>&']/g, character => `\\u00${character.charCodeAt(0).toString(16)}`);
  return new Markup(text);
}

function makeLinks(
  run: Run,
  [value = null, limit = null, nofollow = false, target = null, rel = null, schemes = null]: readonly Value[],
): Value {
  const relations = new Set(split(rel === null ? '' : wantText(rel), undefined, -1));
  if (truth(nofollow)) relations.add('nofollow');
  relations.add('noopener');
  const extraSchemes = schemes === null ? [] : toList(schemes).map(scheme => wantText(scheme));
  for (const scheme of extraSchemes) {
    if (!/^[\p{L}\p{N}_.+-]{2,}:\/{0,2}$/u.test(scheme))
      raise('FilterArgumentError', `${quoted(scheme)} is not a valid URI scheme prefix.`);
  }
  const text = urlize(asMarkup(value).text, {
    limit: limit === null ? undefined : wantCount(limit),
    rel: escapeText([...relations].sort().join(' ')),
    target: target === null ? undefined : escapeText(wantText(target)),
    extraSchemes,
  });
  return safeIf(run, text);
}

const bare = (value: Value): string => (value instanceof Markup ? value.text : str(value));

export const HTML_FILTERS = operationTable({
  e: ['s /', (_, [value = null]) => asMarkup(value)],
  escape: ['s /', (_, [value = null]) => asMarkup(value)],
  forceescape: ['value', (_, [value = null]) => new Markup(escapeText(bare(value)))],
  safe: ['value', (_, [value = null]) => new Markup(bare(value))],
  striptags: ['value', (_, [value = null]) => stripTags(bare(value))],
  urlencode: ['value', (_, [value = null]) => urlEncode(value)],
  urlize: ['value trim_url_limit=None nofollow=False target=None rel=None extra_schemes=None', makeLinks],
  xmlattr: ['d autospace=True', xmlAttributes],
  tojson: ['value indent=None', (_, values) => toJson(values)],
});
