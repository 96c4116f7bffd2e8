/** Where a template's text stands in the file that holds it. Lines and columns are from 1. */
export interface SourcePlace {
  readonly lineOf: (line: number) => number;
  /** Undefined where the file writes the text otherwise, in quotes say: no column of it can be pointed at. */
  readonly columnOf: ((column: number) => number) | undefined;
}

/** A template that is its file. */
export const WHOLE_FILE: SourcePlace = {lineOf: line => line, columnOf: column => column};
