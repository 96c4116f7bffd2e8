/** Reads a Prometheus text exposition (format 0.0.4): values by name with labels sorted, as written. */
export function readSamples(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (line === '' || line.startsWith('#')) continue;
    if (match === null) throw new Error(`not a sample: ${line}`);
    const [, name = '', labels, value] = match;
    const sorted = (labels?.match(/\w+="(?:[^"\\]|\\.)*"/g) ?? []).sort().join(',');
    samples.set(sorted === '' ? name : `${name}{${sorted}}`, Number(value));
  }
  return samples;
}

/** Metric names with their types, as the `# TYPE` lines say. */
export const readTypes = (text: string): Map<string, string> =>
  new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
