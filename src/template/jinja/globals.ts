import {callable, methodTable, wantCount} from '../python/builtin.ts';
import {Dict} from '../python/dict.ts';
import {DICT_METHODS, pairsOf} from '../python/dict-methods.ts';
import {raise} from '../python/fault.ts';
import {createRange} from '../python/range.ts';
import {truth} from '../python/truth.ts';
import type {Keywords, Thing, Value} from '../python/value.ts';
import {lipsum} from './lipsum.ts';
import {Namespace} from './namespace.ts';
import type {Run} from './run.ts';

function entries(sources: readonly Value[], keywords: Keywords, name: string): (readonly [Value, Value])[] {
  const [source, ...more] = sources;
  if (more.length > 0) raise('TypeError', `${name} expected at most 1 argument`);
  return [...(source === undefined ? [] : pairsOf(source)), ...keywords];
}

const dictType: Thing = {
  ...callable('dict', '*args **kwargs', (_, args, keywords) => new Dict(entries(args, keywords, 'dict'))),
  typeName: 'type',
  attribute: name => (name === 'fromkeys' ? DICT_METHODS.get(name)?.(new Dict()) : undefined),
  text: () => "<class 'dict'>",
};

interface Cycle {
  readonly items: readonly Value[];
  place: number;
}

const currentOf = ({items, place}: Cycle): Value => items[place] ?? null;

const CYCLER_METHODS = methodTable<Cycle>('Cycler', {
  next: [
    '',
    cycle => {
      const value = currentOf(cycle);
      cycle.place = (cycle.place + 1) % cycle.items.length;
      return value;
    },
  ],
  reset: [
    '',
    cycle => {
      cycle.place = 0;
      return null;
    },
  ],
});

function createCycler(items: readonly Value[]): Thing {
  if (items.length === 0) raise('RuntimeError', 'at least one item has to be provided');
  const cycle: Cycle = {items, place: 0};
  return {
    typeName: 'Cycler',
    attribute: name => (name === 'current' ? currentOf(cycle) : CYCLER_METHODS.get(name)?.(cycle)),
    text: () => '<Cycler>',
  };
}

function createJoiner(separator: Value): Thing {
  let isUsed = false;
  return {
    typeName: 'Joiner',
    call(args, keywords) {
      if (args.length + keywords.size > 0) raise('TypeError', 'joiner takes no arguments');
      const value = isUsed ? separator : '';
      isUsed = true;
      return value;
    },
    attribute: name => (name === 'sep' ? separator : name === 'used' ? isUsed : undefined),
    text: () => '<Joiner>',
  };
}

/** Jinja2's globals, made anew for each render: none can carry anything into the next one. */
export const createGlobals = (run: Run): ReadonlyMap<string, Value> =>
  new Map<string, Value>([...CLASSES, ['lipsum', lipsumOf(run)]]);

const CLASSES: readonly (readonly [string, Value])[] = [
  ['range', callable('range', '*args', (_, args) => createRange(args), "<class 'range'>")],
  ['dict', dictType],
  ['cycler', callable('cycler', '*items', (_, items) => createCycler(items), "<class 'jinja2.utils.Cycler'>")],
  [
    'joiner',
    callable(
      'joiner',
      'sep=None',
      ([separator = null]) => createJoiner(separator ?? ', '),
      "<class 'jinja2.utils.Joiner'>",
    ),
  ],
  [
    'namespace',
    callable(
      'namespace',
      '*args **kwargs',
      (_, args, keywords) => new Namespace(entries(args, keywords, 'namespace')),
      "<class 'jinja2.utils.Namespace'>",
    ),
  ],
];

const lipsumOf = (run: Run): Thing =>
  callable('lipsum', 'n=5 html=True min=20 max=100', ([count, html = true, min, max]) =>
    lipsum(run, {paragraphs: wantCount(count), html: truth(html), min: wantCount(min), max: wantCount(max)}),
  );
