/** Rejections that nobody took, while it is open: in a daemon they are fatal, in a test they would fail it. */
export interface Unhandled extends Disposable {
  readonly errors: readonly unknown[];
}

export function takeUnhandled(): Unhandled {
  const before = process.listeners('unhandledRejection');
  const errors: unknown[] = [];
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', error => errors.push(error));
  return {
    errors,
    [Symbol.dispose]() {
      process.removeAllListeners('unhandledRejection');
      for (const listener of before) process.on('unhandledRejection', listener);
    },
  };
}
