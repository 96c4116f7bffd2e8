import type {ReplicaState} from './record.ts';

/** A replica as `/status` shows it. */
export interface FleetReplica extends ReplicaState {
  readonly id: string;
}

/** Why replicas do not serve the same, for people; undefined when they do. A version may differ: upgrades are rolling. */
export function disagreement(replicas: readonly FleetReplica[]): string | undefined {
  const behind = replicas.filter(({inSync}) => !inSync).map(({id}) => id);
  const digests = new Set(replicas.map(({digest}) => digest));
  const reasons = [
    ...(digests.size > 1 ? [`${digests.size} digests among ${replicas.length} replicas`] : []),
    ...(behind.length > 0 ? [`not in sync: ${behind.join(', ')}`] : []),
  ];
  return reasons.length === 0 ? undefined : reasons.join('; ');
}

const HEAD = ['REPLICA', 'VERSION', 'GENERATION', 'DIGEST', 'IN SYNC'];

/** One line per replica below a head, columns aligned. */
export function formatFleet(replicas: readonly FleetReplica[]): string {
  const rows = replicas.map(({id, version, generation, digest, inSync}) => [
    id,
    version,
    String(generation),
    digest.slice(0, 12),
    inSync ? 'yes' : 'NO',
  ]);
  const widths = HEAD.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [HEAD, ...rows].map(cells => `${line(cells)}\n`).join('');
}
