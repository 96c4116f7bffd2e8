import {findHiddenParts} from './hidden-parts.ts';
import {hideSecrets, MASK} from './hide-secrets.ts';
import {redactConfiguration, secretsOf} from './redact.ts';
import {CALLED_SECRET, MADE_UP, SENSITIVE_NAME, TELLING} from './secret-places.ts';

/** What Jinja replaces; what is not closed goes on to the end of its line. */
const JINJA = /\{%(?:[\s\S]*?%\}|.*)|\{\{(?:[\s\S]*?\}\}|.*)|\{#(?:[\s\S]*?#\}|.*)/g;

/** A name with a text: `password = 'x'`, `"password": "x"`, `f(password='x')`. */
const NAMED_TEXT = /(\w+)["']?\s*[=:]\s*(["'])(.*?)\2/g;

/** A text in quotes; one that is not closed goes on to the end. */
const TEXT = /(["'])((?:\\.|(?!\1)[^\\])*)(?:\1|$)/gs;

/** Names that no loop or filter has. */
const CREDENTIAL = /auth|bearer|cred|login|pass|pwd|(?:^|[^a-z])pw|pw(?:$|[^a-z])|secret|token|api_?key/i;

const SHORTEST = 3;
const SHORTEST_OF_WORDS = 6;

/** Letters only, so that it is an ordinary word to whoever reads the line. */
const standInOf = (index: number): string =>
  `kontroljinja${[...String(index)].map(digit => 'abcdefghij'.charAt(Number(digit))).join('')}z`;

/**
 * The values of a template that must not be seen: those of the configuration lines in it, as `secretsOf` has them, and
 * the texts of Jinja that have a sensitive name, look like a key, or stand where the configuration hides what they give.
 * Its other texts are names of apps and the like.
 */
export function secretsOfTemplate(template: string): ReadonlySet<string> {
  const parts = template.match(JINJA) ?? [];
  const isHidden = findHiddenJinja(template);
  const found = parts.flatMap((part, index) =>
    part.startsWith('{#') ? wordsOf(part) : textsOf(part, isHidden(index)),
  );
  const lines = template.replace(JINJA, part => part.replace(/[^\n]/g, ' '));
  return new Set([...secretsOf(lines), ...found]);
}

/** Tells of each part whether the configuration hides what it gives; those that are a line of their own give lines. */
function findHiddenJinja(template: string): (index: number) => boolean {
  let index = 0;
  const lines = template.replace(JINJA, part => {
    const standIn = standInOf(index);
    index += 1;
    return part.startsWith('{{') ? standIn : part.replace(/[^\n]/g, ' ');
  });
  // A line of nothing else gives lines.
  const text = lines.replace(/^[ \t]*kontroljinja[a-j]+z[ \t]*(?=#|$)/gm, '');
  const shown = new Set(redactConfiguration(text).match(STAND_INS));
  const hidden = new Set(text.match(STAND_INS)?.filter(standIn => !shown.has(standIn)));
  return part => hidden.has(standInOf(part));
}

const STAND_INS = /kontroljinja[a-j]+z/g;

function textsOf(part: string, isHidden: boolean): string[] {
  const named = [...part.matchAll(NAMED_TEXT)].flatMap(([, name = '', , value = '']) =>
    SENSITIVE_NAME.test(name) ? [value] : [],
  );
  const texts = [...part.matchAll(TEXT)].map(([, , text = '']) => text.replace(/\s*[%}]\}\s*$/, ''));
  const names = part.replace(TEXT, '');
  if (isHidden || CREDENTIAL.test(names) || (CREDENTIAL.test(part) && part.startsWith('{%'))) {
    const long = [...texts, ...texts.flatMap(text => text.split(/[^\w.-]+/))].filter(
      text => text.length >= SHORTEST_OF_WORDS || /\d/.test(text),
    );
    return [...named, ...long, ...wordsOf(part)].filter(isLongEnough);
  }
  const keys = texts.filter(text => MADE_UP.test(text) || CALLED_SECRET.test(text));
  return [...named, ...keys, ...texts.flatMap(credentialsIn)].filter(isLongEnough);
}

/** `bob:password`, but for what stands in a configuration: an address, a time, a URL. */
const PAIR = /^[\w.@-]+:([^\s/\d%$:[][^\s/%$:[]*)$/;

/** What is hidden in a text, wherever it stands. */
const credentialsIn = (text: string): string[] => [
  ...findHiddenParts(text, () => false).flatMap(([start, end]) => {
    const hidden = text.slice(start, end);
    return [hidden, hidden.slice(hidden.indexOf(':') + 1)];
  }),
  ...(PAIR.exec(text)?.slice(1) ?? []),
];

const isLongEnough = (text: string): boolean => text.length >= SHORTEST;

/** Words with digits among their letters, of what tells of a credential. */
const wordsOf = (part: string): string[] =>
  part.startsWith('{#') && !TELLING.test(part)
    ? []
    : part.split(/[^\w.-]+/).filter(word => word.length >= SHORTEST_OF_WORDS && /\d/.test(word) && /[a-z]/i.test(word));

/** A comment of the configuration, to the end of its line. */
const COMMENT = /(?<!\{)#(?!\})[^\n]*/g;

/** A template as an excerpt may quote it: as many lines, without its secrets, and without comments that tell of one. */
export function hideTemplateSecrets(template: string): string {
  const secrets = [...secretsOfTemplate(template)].flatMap(secret => secret.split('\n')).filter(isLongEnough);
  return hideSecrets(template, new Set(secrets))
    .replace(JINJA, part =>
      part.startsWith('{#') && TELLING.test(part) ? part.replace(/[^\s{}#](?:[^\n{}#]*[^\s{}#])?/g, MASK) : part,
    )
    .replace(COMMENT, comment => (TELLING.test(comment) ? `# ${MASK}` : comment));
}
