import type {LineMark} from './jinja/run.ts';
import type {FaultKind, Position} from './python/fault.ts';

/** The head of a request to the render process; behind it come the template and each variable's JSON. */
export interface RequestHead {
  readonly timeoutMs: number;
  /** Whether the answer says which line of the template each part of the text came from. */
  readonly tracksLines: boolean;
  /** The text may have no more. */
  readonly maxLines: number;
  /** The variables' names, in the order of their texts. */
  readonly names: readonly string[];
}

/** The head of an answer; the text comes behind it. */
export type AnswerHead =
  | {readonly is: 'rendered'; readonly marks: readonly LineMark[]}
  | {readonly is: 'refused'; readonly kind: FaultKind; readonly message: string; readonly at?: Position};

/** What the render process writes once it can take requests. */
export const READY = 'ready';
