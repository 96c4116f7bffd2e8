import {DaemonError} from '../errors.ts';

/** The kernel's match (XT_MULTI_PORTS) holds so many ports; a range takes two places. */
const PLACES_PER_RULE = 15;

const HIGHEST_PORT = 65_535;

interface Range {
  readonly first: number;
  readonly last: number;
}

const placesOf = ({first, last}: Range): number => (first === last ? 1 : 2);

function toRanges(ports: readonly number[]): Range[] {
  const ranges: Range[] = [];
  for (const port of [...new Set(ports)].sort((a, b) => a - b)) {
    const previous = ranges.at(-1);
    if (previous?.last === port - 1) ranges[ranges.length - 1] = {first: previous.first, last: port};
    else ranges.push({first: port, last: port});
  }
  return ranges;
}

/**
 * The arguments of iptables' `--dports`, one a rule, that together match exactly `ports`, ranges compressed:
 * `[80, 443, 8000, 8001, 8002]` -> `['80,443,8000:8002']`. Order and repetition do not matter; no ports, no arguments.
 * Throws APPLY for what is no TCP port (1 to 65535).
 */
export function deriveMultiports(ports: readonly number[]): string[] {
  const wrong = ports.find(port => !Number.isInteger(port) || port < 1 || port > HIGHEST_PORT);
  if (wrong !== undefined) {
    throw new DaemonError('APPLY', `cannot gate port ${wrong}: it is not an integer from 1 to ${HIGHEST_PORT}`);
  }
  const rules: Range[][] = [];
  let free = 0;
  for (const range of toRanges(ports)) {
    const rule = rules.at(-1);
    if (rule !== undefined && placesOf(range) <= free) rule.push(range);
    else {
      rules.push([range]);
      free = PLACES_PER_RULE;
    }
    free -= placesOf(range);
  }
  return rules.map(rule => rule.map(({first, last}) => (first === last ? `${first}` : `${first}:${last}`)).join(','));
}
