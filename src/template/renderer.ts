import {DaemonError, OverLimit} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import {createQueue} from '../ports/queue.ts';
import {countLines} from './count-lines.ts';
import {encodeFrame} from './frames.ts';
import {listed, type TemplateInput} from './input.ts';
import {createLineMap, type LineMap} from './line-map.ts';
import {HEAP_MIB, type NoAnswer, type RenderProcess, startRenderProcess} from './render-process.ts';
import type {AnswerHead, RequestHead} from './request.ts';
import {TemplateRefusal} from './template-refusal.ts';

/** Renders a template. Rejects with RENDER, with what Jinja2 would say; the text is as Jinja2 would write it. */
export interface Renderer {
  /** The text, ending in exactly one newline. */
  render(input: TemplateInput, signal: AbortSignal): Promise<string>;
}

/** A text with the way back to its template. */
export interface Traced {
  readonly text: string;
  readonly lineOf: LineMap;
}

/** A renderer with a process of its own, which ends when it is disposed. */
export interface IsolatedRenderer extends Renderer, Disposable {
  /** Renders, and keeps which line of the template each line of the text came from. */
  trace(input: TemplateInput, signal: AbortSignal): Promise<Traced>;
  /** Something will be rendered soon: the process starts, where it had nothing to do for so long that it ended. */
  prepare(): void;
  /** The warm process, for those who look after it. */
  readonly pid: number | undefined;
}

export interface RendererOptions {
  readonly timeoutMs: number;
  /** A process that renders nothing for so long ends; it stays when absent. */
  readonly idle?: {readonly afterMs: number; readonly clock: Clock};
}

/** A process that is not there after this long will not come: a loaded machine starts one in a second. */
const START_LIMIT_MS = 20_000;

/**
 * Renders in a process apart, so that a template can neither run code, nor see or change anything of ours, nor hold
 * us up: it has `timeoutMs`, a limited heap and a limited output. One render goes at a time. The process waits warm;
 * one that had to be killed is replaced at once, and costs its render only.
 */
export function createRenderer({timeoutMs, idle}: RendererOptions): IsolatedRenderer {
  const warm = createWarmProcess();
  const renders = createQueue();
  let waiting = 0;
  let cancelEnd = () => {};
  let isClosed = false;

  const endWhenIdle = (): void => {
    cancelEnd();
    if (idle === undefined || waiting > 0 || isClosed) return;
    cancelEnd = idle.clock.after(idle.afterMs, warm.end);
  };

  const renderNow = async (input: TemplateInput, signal: AbortSignal, tracksLines: boolean): Promise<Traced> => {
    signal.throwIfAborted();
    const child = await warm.ready();
    const asked = await child.ask(encodeFrame(requestOf(input, timeoutMs, tracksLines)), {timeoutMs, signal});
    if (!child.isAlive && !isClosed) warm.replace();
    if (asked.is === 'aborted') signal.throwIfAborted();
    if (asked.is !== 'answered') throw new OverLimit('RENDER', `cannot render the template: ${told(asked, timeoutMs)}`);
    const [headText = '', body = ''] = asked.texts;
    const head = JSON.parse(headText) as AnswerHead;
    if (head.is === 'refused') throw new TemplateRefusal({at: undefined, ...head}, input.template);
    const text = `${body.replace(/\n+$/, '')}\n`;
    return {text, lineOf: createLineMap(text, head.marks)};
  };

  const enqueue = (input: TemplateInput, signal: AbortSignal, tracksLines: boolean): Promise<Traced> => {
    if (signal.aborted) return Promise.reject(signal.reason);
    waiting += 1;
    cancelEnd();
    return renders
      .add(() => renderNow(input, signal, tracksLines))
      .finally(() => {
        waiting -= 1;
        endWhenIdle();
      });
  };

  const prepare = (): void => {
    if (isClosed) return;
    warm.prepare();
    endWhenIdle();
  };

  prepare();
  return {
    prepare,
    render: async (input, signal) => (await enqueue(input, signal, false)).text,
    trace: (input, signal) => enqueue(input, signal, true),
    get pid() {
      return warm.pid;
    },
    [Symbol.dispose]() {
      isClosed = true;
      cancelEnd();
      warm.end();
    },
  };
}

/** The process that waits for the next render. */
interface WarmProcess {
  /** Starts it, where there is none. */
  prepare(): void;
  /** Starts another one. */
  replace(): void;
  /** Once it can render; another one where it died. Rejects with RENDER when it cannot be started: the next call tries again. */
  ready(): Promise<RenderProcess>;
  end(): void;
  readonly pid: number | undefined;
}

function createWarmProcess(): WarmProcess {
  let warm: Promise<RenderProcess> | undefined;
  let current: RenderProcess | undefined;

  const start = async (): Promise<RenderProcess> => {
    const child = startRenderProcess();
    current = child;
    const hello = await child.ask(undefined, {timeoutMs: START_LIMIT_MS});
    if (hello.is === 'answered') return child;
    throw new DaemonError('RENDER', `cannot start the render process: ${told(hello, START_LIMIT_MS)}`);
  };

  const replace = (): Promise<RenderProcess> => {
    warm = start();
    // Whoever renders next sees the fault.
    warm.catch(() => {});
    return warm;
  };

  return {
    prepare: () => void (warm ?? replace()),
    replace: () => void replace(),
    async ready() {
      const child = await (warm ?? replace()).catch(error => {
        warm = undefined;
        throw error;
      });
      return child.isAlive ? child : replace();
    },
    end() {
      current?.kill();
      warm = undefined;
    },
    get pid() {
      return current?.pid;
    },
  };
}

function requestOf({template, variables}: TemplateInput, timeoutMs: number, tracksLines: boolean): string[] {
  const entries = Object.entries(listed(variables));
  const names = entries.map(([name]) => name);
  const head: RequestHead = {timeoutMs, tracksLines, names, maxLines: deriveMaxLines(template, variables)};
  return [JSON.stringify(head), template, ...entries.map(([, value]) => JSON.stringify(value))];
}

/** HAProxy 1.7 takes 4 s to check so many servers on a busy machine, 17 s twice as many: more is what nobody wrote or needs. */
const MIN_MAX_LINES = 10_000;
const LINES_PER_POD = 100;

/** What a text may have: what is written out in its template, and what many pods take, it may have in any case. */
function deriveMaxLines(template: string, {hosts, pods}: TemplateInput['variables']): number {
  const inHosts = [...hosts.values()].reduce((sum, {length}) => sum + length, 0);
  return MIN_MAX_LINES + 2 * countLines(template) + LINES_PER_POD * Math.max(pods.length, inHosts);
}

/** Why there is no text, in words. */
function told(reason: NoAnswer, limitMs: number): string {
  switch (reason.is) {
    case 'timed out':
      return `it takes longer than ${limitMs / 1000} s (KONTROL_RENDER_TIMEOUT)`;
    case 'flooded':
      return 'it writes too much';
    case 'aborted':
      return 'it was stopped';
    case 'died':
      return reason.outOfMemory ? `it takes more than ${HEAP_MIB} MiB of memory` : `its process ended: ${reason.how}`;
  }
}
