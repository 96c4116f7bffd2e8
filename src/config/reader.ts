/**
 * Reads typed values out of an environment and collects every fault and warning on the way, so that an operator sees
 * all of them at once. A fault returns the default: what is built with faults present is thrown away.
 */
export interface Reader {
  text(name: string): string | undefined;
  /** Seconds (decimals allowed) as milliseconds. */
  secondsMs(name: string, defaultMs: number, bounds: {minMs: number; maxMs: number}): number;
  /** `beside`: words that its caller takes as well, for the fault. */
  integer(name: string, defaultValue: number, bounds: {min: number; max: number; beside?: string}): number;
  oneOf<const T extends string>(name: string, defaultValue: T, allowed: readonly T[]): T;
  /** A JSON object of strings, as labels and annotations come. */
  labels(name: string): Readonly<Record<string, string>>;
  /** What is given; a user and password in an address are left out, since it is logged. */
  fault(text: string): void;
  warn(text: string): void;
  /** The names that were read, whether they were set or not: these are the settings. */
  readonly names: ReadonlySet<string>;
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** `KONTROL_PORT=tcp://10.0.0.1:8000` is what Kubernetes injects for a Service named "kontrol": no setting of ours. */
export const isServiceVariable = (value: string | undefined): boolean => /^(?:tcp|udp|sctp):\/\//.test(value ?? '');

/** User and password of an address: a fault is logged. */
const withoutUserInfo = (text: string): string =>
  text.replace(/(?<=\/\/)[^\s"]*@|(?<=^|[\s"=,])[^\s"/]*:(?!\/\/)[^\s"]*@/g, '***@');

const SHOWN_CHARACTERS = 60;
const shown = (value: string): string => {
  const plain = withoutUserInfo(value);
  return JSON.stringify(plain.length > SHOWN_CHARACTERS ? `${plain.slice(0, SHOWN_CHARACTERS)}…` : plain);
};

const parseLabels = (text: string): Record<string, string> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return Object.values(value).every(entry => typeof entry === 'string')
      ? (value as Record<string, string>)
      : undefined;
  } catch {
    return undefined;
  }
};

export function createReader(env: Readonly<Record<string, string | undefined>>): Reader {
  const faults: string[] = [];
  const warnings = new Set<string>();
  const names = new Set<string>();

  const text = (name: string): string | undefined => {
    names.add(name);
    const value = env[name]?.trim();
    if (value === undefined || value === '') return undefined;
    if (!isServiceVariable(value)) return env[name];
    warnings.add(withoutUserInfo(`${name}=${value} is Kubernetes' own service variable, not a setting: ignored`));
    return undefined;
  };

  const number = (name: string, min: number, max: number, unit: string): number | undefined => {
    const given = text(name);
    if (given === undefined) return undefined;
    const value = Number(given);
    if (Number.isFinite(value) && value >= min && value <= max) return value;
    faults.push(`${name} ${shown(given)} is not ${unit} from ${min} to ${max}`);
    return undefined;
  };

  return {
    text,
    names,
    faults,
    get warnings() {
      return [...warnings];
    },
    fault: fault => void faults.push(withoutUserInfo(fault)),
    warn: warning => void warnings.add(withoutUserInfo(warning)),
    secondsMs(name, defaultMs, {minMs, maxMs}) {
      const seconds = number(name, minMs / 1000, maxMs / 1000, 'a number of seconds');
      return seconds === undefined ? defaultMs : Math.round(seconds * 1000);
    },
    integer(name, defaultValue, {min, max, beside}) {
      const value = number(name, min, max, beside === undefined ? 'a whole number' : `${beside} or a whole number`);
      if (value === undefined) return defaultValue;
      if (Number.isInteger(value)) return value;
      faults.push(`${name} ${shown(String(value))} is not a whole number from ${min} to ${max}`);
      return defaultValue;
    },
    oneOf(name, defaultValue, allowed) {
      const given = text(name);
      if (given === undefined) return defaultValue;
      const value = allowed.find(candidate => candidate === given.trim());
      if (value === undefined) faults.push(`${name} ${shown(given)} is none of ${allowed.join(', ')}`);
      return value ?? defaultValue;
    },
    labels(name) {
      const given = text(name);
      if (given === undefined) return {};
      const labels = parseLabels(given);
      if (labels === undefined) faults.push(`${name} is not a JSON object of strings`);
      return labels ?? {};
    },
  };
}
