/** What some pods say in their payload, and the good templates make a backend of. */
export interface Note {
  readonly name: string;
  readonly timeout?: {readonly seconds: number | string};
}

/** Payloads with which no configuration can be made, by what is wrong with them; each is given a note of another pod. */
export const POISONS = {
  value: (name: string): Note => ({name, timeout: {seconds: 'soon'}}),
  shape: (name: string): Note => ({name}),
  injection: (name: string): Note => ({name: `${name}\n  no-such-keyword`, timeout: {seconds: 5}}),
  // Good by itself, and HAProxy takes no name twice.
  twin: (_: string, other: Note): Note => other,
} as const satisfies Record<string, (name: string, other: Note) => Note>;

export type Poison = keyof typeof POISONS;

/** The part of a good template that reads them. */
export const NOTES_TEMPLATE =
  '{% for pod in pods if pod.payload.note %}backend note-{{ pod.payload.note.name }}\n' +
  '  timeout server {{ pod.payload.note.timeout.seconds }}s\n{% endfor %}';

/** What that part comes out as. */
export const notesText = (notes: readonly Note[]): string =>
  notes.map(({name, timeout}) => `backend note-${name}\n  timeout server ${timeout?.seconds}s\n`).join('');

/** Reads them back, in their order. */
export const parseNotes = (text: string): Note[] =>
  [...text.matchAll(/^backend note-(\S+)\n {2}timeout server (\d+)s$/gm)].map(([, name = '', seconds]) => ({
    name,
    timeout: {seconds: Number(seconds)},
  }));
