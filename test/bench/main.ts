import {fileURLToPath} from 'node:url';
import {inspect} from 'node:util';
import {benchAccessLog} from './access-log.ts';
import {benchAnnotation} from './annotation.ts';
import {benchBurst} from './burst.ts';
import {benchConvergence} from './convergence.ts';
import {benchEndpoints} from './endpoints.ts';
import {type Bench, loadFigures, storeFigures, writeTable} from './figure.ts';
import {benchFootprint} from './footprint.ts';
import {deriveGrowth} from './growth.ts';
import {benchLatency} from './latency.ts';
import {benchPasses} from './passes.ts';
import {benchPingCost} from './ping-cost.ts';
import {benchPings} from './pings.ts';
import {benchResources} from './resources.ts';
import {benchServing} from './serving.ts';
import {benchStart} from './start.ts';
import {benchTurnover} from './turnover.ts';
import {benchZerorpc} from './zerorpc.ts';

/**
 * `npm run bench [-- NAME ...]`: runs the benches, prints a table of each, keeps the figures for the next run's ratios.
 * One that fails is told and left out; 1 when any did.
 */
const BENCHES: Readonly<Record<string, Bench>> = {
  serving: benchServing,
  endpoints: benchEndpoints,
  turnover: benchTurnover,
  pings: benchPings,
  'ping-cost': benchPingCost,
  latency: benchLatency,
  burst: benchBurst,
  passes: benchPasses,
  start: benchStart,
  resources: benchResources,
  footprint: benchFootprint,
  annotation: benchAnnotation,
  convergence: benchConvergence,
  'access-log': benchAccessLog,
  zerorpc: benchZerorpc,
};

const RESULTS = fileURLToPath(new URL('../../bench.json', import.meta.url));

const asked = process.argv.slice(2);
const unknown = asked.filter(name => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  process.stderr.write(`no such bench: ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(64);
}
const last = await loadFigures(RESULTS);
for (const [name, bench] of Object.entries(BENCHES)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  process.stdout.write(`\n${name}\n`);
  try {
    const measured = await bench();
    const figures = [...measured, ...deriveGrowth(measured)];
    process.stdout.write(`${writeTable(figures, last)}\n`);
    await storeFigures(RESULTS, figures);
  } catch (error) {
    process.stderr.write(`cannot measure ${name}: ${inspect(error)}\n`);
    process.exitCode = 1;
  }
}
