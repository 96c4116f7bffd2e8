import {type Methods, methodTable} from './builtin.ts';
import {stripTags, withoutEntities} from './html.ts';
import {toList} from './iterate.ts';
import {asMarkup, joinMarkup} from './markup.ts';
import {formatText} from './str-format.ts';
import {STR_METHODS} from './str-methods.ts';
import {Markup, type Thing, Tuple, textOf, type Value} from './value.ts';

/** The methods of `str` that markupsafe wraps: their text arguments are escaped, their texts are Markup again. */
const WRAPPED = (
  'capitalize title lower upper replace ljust rjust lstrip rstrip center strip translate expandtabs swapcase zfill ' +
  'split rsplit splitlines partition rpartition'
).split(' ');

/** Those whose separator is not escaped. */
const AS_GIVEN = new Set(['split', 'rsplit', 'splitlines']);

const safe = (value: Value): Value => {
  if (typeof value === 'string') return new Markup(value);
  if (Array.isArray(value)) return value.map(safe);
  return value instanceof Tuple ? new Tuple(value.items.map(safe)) : value;
};

function wrapped(name: string): (self: Markup) => Thing {
  const escapes = !AS_GIVEN.has(name);
  const argument = (value: Value): Value => (escapes && textOf(value) !== undefined ? asMarkup(value).text : value);
  return self => {
    const method = STR_METHODS.get(name)?.(self.text);
    return {
      typeName: 'method',
      call(args, keywords) {
        const given = new Map([...keywords].map(([key, value]) => [key, argument(value)]));
        return safe(method?.call?.(args.map(argument), given) ?? null);
      },
      text: () => `<bound method Markup.${name}>`,
    };
  };
}

/** The methods that a Markup has in place of `str`'s. */
export const MARKUP_METHODS: Methods<Markup> = new Map<string, (self: Markup) => Thing>([
  ...WRAPPED.map(name => [name, wrapped(name)] as const),
  ...methodTable<Markup>('Markup', {
    join: ['seq /', (self, [values = null]) => joinMarkup(toList(values), self.text)],
    unescape: ['', self => withoutEntities(self.text)],
    striptags: ['', self => stripTags(self.text)],
    escape: ['s', (_, [value = null]) => asMarkup(value)],
    format: ['*args **kwargs', (self, _, args, keywords) => new Markup(formatText(self.text, args, keywords, true))],
  }),
]);
