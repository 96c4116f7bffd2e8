import {HTML_FILTERS} from './filters-html.ts';
import {NUMBER_FILTERS} from './filters-number.ts';
import {ORDER_FILTERS} from './filters-order.ts';
import {SELECT_FILTERS} from './filters-select.ts';
import {SEQUENCE_FILTERS} from './filters-sequence.ts';
import {TEXT_FILTERS} from './filters-text.ts';
import type {Operation} from './operation.ts';

/** All of Jinja2's builtin filters by name; a name that is not among them is no filter, whatever JavaScript calls it. */
export const FILTERS: ReadonlyMap<string, Operation> = new Map([
  ...TEXT_FILTERS,
  ...NUMBER_FILTERS,
  ...SEQUENCE_FILTERS,
  ...ORDER_FILTERS,
  ...SELECT_FILTERS,
  ...HTML_FILTERS,
]);
