import {secretsOf} from './redact.ts';
import {SENSITIVE_NAME} from './secret-places.ts';

/** What Jinja replaces. */
const JINJA = /\{%[\s\S]*?%\}|\{\{[\s\S]*?\}\}|\{#[\s\S]*?#\}/g;

/** A name with a text: `password = 'x'`, `"password": "x"`, `f(password='x')`. */
const NAMED_TEXT = /(\w+)["']?\s*[=:]\s*(["'])(.*?)\2/g;

const SHORTEST = 3;

/**
 * The values of a template that must not be seen: those of the configuration lines in it, as `secretsOf` has them, and
 * texts that Jinja gives a sensitive name. Its other texts are names of apps and the like.
 */
export function secretsOfTemplate(template: string): ReadonlySet<string> {
  const named = (template.match(JINJA) ?? []).flatMap(part =>
    [...part.matchAll(NAMED_TEXT)].flatMap(([, name = '', , value = '']) =>
      SENSITIVE_NAME.test(name) && value.length >= SHORTEST ? [value] : [],
    ),
  );
  const lines = template.replace(JINJA, part => part.replace(/[^\n]/g, ' '));
  return new Set([...secretsOf(lines), ...named]);
}
