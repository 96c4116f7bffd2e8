import {Readable} from 'node:stream';
import {spec} from 'node:test/reporters';

/** As `node:test` tells it, as far as we look at it. */
export interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly details?: {readonly type?: string};
    readonly skip?: unknown;
    readonly name?: string;
    readonly file?: string | undefined;
  };
}

/** Node's own `spec` report, closed by the plain line `N passed, N failed` that CI reads. */
// biome-ignore lint/style/noDefaultExport: node:test loads a reporter through its default export
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts = {passed: 0, failed: 0, skipped: 0};
  async function* counted() {
    for await (const event of source) {
      const isTest = event.data.details?.type !== 'suite';
      if (event.type === 'test:fail' && isTest) counts.failed += 1;
      if (event.type === 'test:pass' && isTest) counts[event.data.skip === undefined ? 'passed' : 'skipped'] += 1;
      yield event;
    }
  }
  for await (const chunk of Readable.from(counted()).compose(new spec())) yield String(chunk);
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  yield `\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`;
}
