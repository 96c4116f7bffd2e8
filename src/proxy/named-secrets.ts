import {findCredentials} from './hidden-parts.ts';
import {MASK} from './hide-secrets.ts';
import {SENSITIVE_NAME} from './secret-places.ts';

type Json = null | boolean | number | string | readonly Json[] | {readonly [name: string]: Json};

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/** Names under which a number is no count. */
const NAMES_NUMBER = /(?:^|[-_.])(?:otp|pin|pw)(?:$|[-_.])|api.?key|credential|passw|pwd|secret|(?:^|[-_.])token$/i;

/** `{"name": "API_KEY", "value": "x"}`, as environments are written. */
const nameIn = (value: {readonly [name: string]: Json}): string => {
  const name = value.name ?? value.key;
  return typeof name === 'string' ? name : '';
};

/**
 * A value of JSON as whoever asks may see it: texts below a name that a credential has, as the configuration hides them,
 * are `***`, and so are credentials in a URL or a header elsewhere. Names and all else stay.
 */
export function hideNamedSecrets(value: Json, isSecret = false, isNumberSecret = false): Json {
  if (typeof value === 'string') return isSecret && value !== '' ? MASK : hideCredentials(value);
  if (typeof value === 'number') return isNumberSecret ? MASK : value;
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(inner => hideNamedSecrets(inner, isSecret, isNumberSecret));
  const named = nameIn(value);
  const shown = Object.entries(value).map(([name, inner]) => {
    const by = name === 'value' && named !== '' ? named : name;
    const isNamed = isSecret || SENSITIVE_NAME.test(by);
    return [name, hideNamedSecrets(inner, isNamed, isNumberSecret || NAMES_NUMBER.test(by))] as const;
  });
  return Object.fromEntries(shown);
}

/** Without one of these a text has no credential: most have none, and payloads may be large. */
const MAY_HOLD = /[=:@]|(?:bearer|basic|digest|negotiate|token|key|pass\w*|pin|pwd?|secret)(?:\\?[ \t]|%20|\\x20)/i;

function hideCredentials(text: string): string {
  if (!MAY_HOLD.test(text)) return text;
  let shown = '';
  let from = 0;
  for (const [start, end] of findCredentials(text).sort(([one], [other]) => one - other)) {
    if (start >= from) shown += text.slice(from, start) + MASK;
    from = Math.max(from, end);
  }
  return shown + text.slice(from);
}
