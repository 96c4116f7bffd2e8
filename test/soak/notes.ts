/** What some pods say in their payload, and the good templates make a backend of. */
export interface Note {
  readonly name: string;
  readonly timeout?: {readonly seconds: number | string};
  /** What only a poisonous one asks for. */
  readonly port?: number;
}

/** The daemon's own: HAProxy's check passes with it, and a start does not. */
const TAKEN_PORT = 8000;

/** Payloads with which no configuration can be made, by what is wrong with them; each is given a note of another pod. */
export const POISONS = {
  // Not 'soon': HAProxy 1.7 reads 'soons' as 0 seconds.
  value: (name: string): Note => ({name, timeout: {seconds: 'never'}}),
  shape: (name: string): Note => ({name}),
  injection: (name: string): Note => ({name: `${name}\n  no-such-keyword`, timeout: {seconds: 5}}),
  port: (name: string): Note => ({name, timeout: {seconds: 5}, port: TAKEN_PORT}),
  // Good by itself, and HAProxy takes no name twice.
  twin: (_: string, other: Note): Note => other,
} as const satisfies Record<string, (name: string, other: Note) => Note>;

export type Poison = keyof typeof POISONS;

/** The part of a good template that reads them. */
export const NOTES_TEMPLATE =
  '{% for pod in pods if pod.payload.note %}backend note-{{ pod.payload.note.name }}\n' +
  '  timeout server {{ pod.payload.note.timeout.seconds }}s\n' +
  '{% if pod.payload.note.port %}frontend note-{{ pod.payload.note.name }}\n' +
  '  bind *:{{ pod.payload.note.port }}\n{% endif %}{% endfor %}';

/** What that part comes out as. */
export const notesText = (notes: readonly Note[]): string =>
  notes.map(({name, timeout}) => `backend note-${name}\n  timeout server ${timeout?.seconds}s\n`).join('');

/** Reads them back, in their order. */
export const parseNotes = (text: string): Note[] =>
  [...text.matchAll(/^backend note-(\S+)\n {2}timeout server (\d+)s$/gm)].map(([, name = '', seconds]) => ({
    name,
    timeout: {seconds: Number(seconds)},
  }));
