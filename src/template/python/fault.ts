/** Python's exception types, as far as a template can meet them, and `LimitError`: more than we let a template take. */
export type FaultKind =
  | 'AssertionError'
  | 'AttributeError'
  | 'FilterArgumentError'
  | 'IndexError'
  | 'KeyError'
  | 'LimitError'
  | 'OverflowError'
  | 'RuntimeError'
  | 'SyntaxError'
  | 'TypeError'
  | 'UndefinedError'
  | 'ValueError'
  | 'ZeroDivisionError';

/** A place in a template; both count from 0, `colno` in UTF-16 units. */
export interface Position {
  readonly lineno: number;
  readonly colno: number;
}

/** What raises in Jinja2, raised here: the exception's type, its one-line reason and, once known, where it happened. */
export class Fault extends Error {
  readonly kind: FaultKind;
  at: Position | undefined;

  constructor(kind: FaultKind, message: string, at?: Position) {
    super(message);
    this.name = 'Fault';
    this.kind = kind;
    this.at = at;
  }
}

/** Throws, and says so in its type: usable where a value is expected. */
export function raise(kind: FaultKind, message: string): never {
  throw new Fault(kind, message);
}

/** Runs `work`; a fault of one of these kinds gives `instead`, as a Python `except` clause would. */
export function attempt<T, U>(kinds: readonly FaultKind[], work: () => T, instead: () => U): T | U {
  try {
    return work();
  } catch (error) {
    if (error instanceof Fault && kinds.includes(error.kind)) return instead();
    throw error;
  }
}
