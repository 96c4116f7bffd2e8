import {Fault} from '../python/fault.ts';
import {orElse, type Value} from '../python/value.ts';

/** No rendered text may be longer, in UTF-16 units. */
export const MAX_OUTPUT = 16 * 1024 * 1024;

/** How many steps go by between two looks at the clock. */
const STEPS_PER_LOOK = 512;

/** What one render shares: its time, its escaping, its chance. Nothing of it outlives the render. */
export class Run {
  /** Jinja2's `eval_ctx.autoescape`. */
  autoescape = false;
  readonly tracksLines: boolean;
  readonly #deadlineMs: number;
  readonly #nowMs: () => number;
  #steps = 0;
  #chance: number;

  constructor(options: {deadlineMs: number; nowMs: () => number; seed: number; tracksLines: boolean}) {
    this.#deadlineMs = options.deadlineMs;
    this.#nowMs = options.nowMs;
    this.#chance = options.seed >>> 0;
    this.tracksLines = options.tracksLines;
  }

  /** Counts a step of work. Raises LimitError once the time is over. */
  step(): void {
    if (++this.#steps % STEPS_PER_LOOK !== 0) return;
    if (this.#nowMs() > this.#deadlineMs) throw new Fault('LimitError', 'the template takes too long');
  }

  /** A number below `bound`, the same at each render of one input: two renders must not differ (mulberry32). */
  random(bound: number): number {
    this.#chance = (this.#chance + 0x6d2b79f5) >>> 0;
    let mixed = this.#chance;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  }
}

/** From `offset` of the text on, what was written came from this line of the template. */
export interface LineMark {
  readonly offset: number;
  readonly line: number;
  /** Whether it is the template's own text, whose lines go on with those of the output. */
  readonly isText: boolean;
}

/** What a template writes. Raises LimitError when it becomes too long. */
export class TemplateOutput {
  text = '';
  readonly marks: LineMark[] = [];

  write(text: string): void {
    this.text += text;
    if (this.text.length > MAX_OUTPUT) {
      throw new Fault('LimitError', `the text is longer than ${MAX_OUTPUT / 1024 / 1024} MiB`);
    }
  }

  mark(line: number, isText: boolean): void {
    this.marks.push({offset: this.text.length, line, isText});
  }
}

/** A block as a function of a context. */
export type BlockBody = (context: TemplateContext, output: TemplateOutput) => void;

/** Jinja2's context: the names that a template's top level sees and exports. */
export class TemplateContext {
  readonly run: Run;
  readonly blocks: ReadonlyMap<string, BlockBody>;
  readonly #parent: (name: string) => Value | undefined;
  readonly #exported = new Map<string, Value>();

  constructor(run: Run, blocks: ReadonlyMap<string, BlockBody>, parent: (name: string) => Value | undefined) {
    this.run = run;
    this.blocks = blocks;
    this.#parent = parent;
  }

  resolve(name: string): Value | undefined {
    return orElse(this.#exported.get(name), () => this.#parent(name));
  }

  export(name: string, value: Value): void {
    this.#exported.set(name, value);
  }

  /** A context in which these names mean something else. */
  derive(locals: ReadonlyMap<string, Value>): TemplateContext {
    return new TemplateContext(this.run, this.blocks, name => orElse(locals.get(name), () => this.resolve(name)));
  }
}

/** The variables of a function that runs, and where it writes. */
export class Activation {
  readonly slots: (Value | undefined)[] = [];
  readonly parent: Activation | undefined;
  readonly context: TemplateContext;
  readonly run: Run;
  output: TemplateOutput;
  /** What a block has just captured, for the filter that is applied to it next. */
  captured = '';

  constructor(context: TemplateContext, output: TemplateOutput, parent?: Activation) {
    this.context = context;
    this.run = context.run;
    this.output = output;
    this.parent = parent;
  }

  /** Runs `work` and returns what it wrote. */
  capture(work: (activation: Activation) => void): string {
    const {output} = this;
    const captured = new TemplateOutput();
    this.output = captured;
    work(this);
    this.output = output;
    return captured.text;
  }
}
