import {resolve} from 'node:path';
import {run} from 'node:test';
import type {TestEvent} from './reporter.ts';

interface Settings {
  /** How many files run beside each other. */
  readonly concurrency: number;
  /** A file that takes longer hangs. */
  readonly limitMs: number;
  readonly failed: () => void;
}

const NO_TEST = 'no test that it told of; its process does not end, or its output is held open';

/**
 * Runs test files, each in a process of its own, and gives what they tell in the order of the files. One that hangs is
 * ended and fails, with the tests that it was at: Node itself waits for ever, without a word, for one whose test blocks
 * it, that leaves something open, or whose output a process that it left holds open.
 */
export async function* runSuites(files: readonly string[], settings: Settings): AsyncGenerator<TestEvent> {
  const waiting = [...files];
  const started = new Map<string, ReturnType<typeof startSuite>>();
  const startNext = () => {
    const file = waiting.shift();
    if (file === undefined) return;
    const suite = startSuite(file, settings);
    started.set(file, suite);
    void suite.ended.then(startNext);
  };
  for (let count = 0; count < settings.concurrency; count += 1) startNext();
  for (const file of files) {
    const suite = started.get(file);
    // Those before it have ended, each of which started another.
    if (suite === undefined) throw new Error(`${file} was never started`);
    for await (const event of suite.events) if (!isTotal(event)) yield event;
  }
}

function startSuite(file: string, {limitMs, failed}: Settings) {
  const limit = new AbortController();
  const running = new Set<string>();
  const events = run({files: [file], signal: limit.signal});
  events.on('test:dequeue', ({name, nesting}) => (nesting === 0 && name === resolve(file)) || running.add(name));
  events.on('test:complete', ({name}) => running.delete(name));
  events.on('test:fail', ({todo}) => (todo === undefined || todo === false) && failed());
  const timer = setTimeout(() => {
    const at = running.size > 0 ? [...running].join('; ') : NO_TEST;
    limit.abort(new Error(`ended after ${limitMs / 1000} s, at: ${at}`));
  }, limitMs);
  const ended = new Promise<void>(resolve => {
    events.on('test:summary', ({file: of}) => of === undefined && resolve());
  }).finally(() => clearTimeout(timer));
  return {events, ended};
}

/** What Node says of one run is no news among many. */
const isTotal = ({type, data}: TestEvent): boolean =>
  type === 'test:summary' || (type === 'test:diagnostic' && data.file === undefined);
