import type {Loss} from '../support/load.ts';
import type {Expectation, Span} from './model.ts';
import {type Form, goodText, type Hosts, hostsOf, parseServed, type Server} from './templates.ts';
import type {Usage} from './usage.ts';

/** Something that is not as it must be. */
export interface Discrepancy {
  readonly what: string;
  readonly detail: string;
}

/** Membership: who must be there is, who must not is not, and each app's list is in the order in which pods joined. */
export function judgeHosts(expected: readonly Expectation[], hosts: Hosts): Discrepancy[] {
  const byIp = new Map(expected.map(one => [one.ip, one]));
  const found: Discrepancy[] = [];
  for (const {ip, app, is} of expected) {
    const isThere = hosts[app]?.includes(ip) ?? false;
    if (is === 'in' && !isThere) found.push({what: 'missing host', detail: `${app} ${ip} is not in ${text(hosts)}`});
  }
  for (const [app, ips] of Object.entries(hosts)) {
    if (ips.length === 0) found.push({what: 'empty app', detail: app});
    if (new Set(ips).size < ips.length) found.push({what: 'host named twice', detail: `${app}: ${ips.join(' ')}`});
    for (const ip of ips) {
      const one = byIp.get(ip);
      if (one === undefined || one.app !== app) found.push({what: 'unknown host', detail: `${app} ${ip}`});
      else if (one.is === 'out') found.push({what: 'lingering host', detail: `${app} ${ip} is in ${text(hosts)}`});
    }
    for (const [index, ip] of ips.entries()) {
      const earlier = byIp.get(ips[index - 1] ?? '')?.joined;
      const joined = byIp.get(ip)?.joined;
      if (earlier === undefined || joined === undefined || joined.toMs >= earlier.fromMs) continue;
      found.push({what: 'wrong order', detail: `${ip} joined before ${ips[index - 1]}, in ${app}: ${ips.join(' ')}`});
    }
  }
  return found;
}

/** Pods that left while no text could be made without them. */
const DISABLED = /(?<=^ {2}server .*) disabled$/gm;

export const hasDisabled = (served: string): boolean => served.search(DISABLED) >= 0;

/** The served text: it comes of one of the templates `from`..`to`, letter by letter, but for who left and is disabled in it. */
export function judgeText(served: string, {from, to}: {from: number; to: number}, form: Form): Discrepancy[] {
  const whole = served.replaceAll(DISABLED, '');
  const parsed = parseServed(whole);
  if (parsed === undefined) return [{what: 'unknown configuration', detail: served.slice(0, 400)}];
  if (parsed.n < from || parsed.n > to) {
    return [{what: 'wrong template served', detail: `template ${parsed.n}, not one of ${from} to ${to}`}];
  }
  const wanted = goodText(parsed.n, hostsOf(parsed), form, parsed.notes);
  return whole === wanted ? [] : [{what: 'text differs', detail: `served:\n${served}\nwanted:\n${wanted}`}];
}

/** HAProxy's own view: exactly the servers of the text. */
export function judgeView(served: string, view: readonly Server[]): Discrepancy[] {
  const names = (servers: readonly Server[]) =>
    servers.map(({backend, name, ip, weight}) => `${backend}/${name} ${ip} weight ${weight}`).sort();
  const [wanted, seen] = [names(parseServed(served)?.servers ?? []), names(view)];
  if (wanted.join('\n') === seen.join('\n')) return [];
  const more = seen.filter(name => !wanted.includes(name));
  const less = wanted.filter(name => !seen.includes(name));
  return [{what: 'HAProxy serves something else', detail: `too many: ${more.join(', ')}; missing: ${less.join(', ')}`}];
}

/** The failed requests, told apart: `inherent` ones touched a window in which HAProxy had been killed. */
export function splitLosses(losses: readonly Loss[], windows: readonly Span[]): {inherent: Loss[]; failed: Loss[]} {
  const isInside = (atMs: number) => windows.some(({fromMs, toMs}) => atMs >= fromMs && atMs <= toMs);
  const isInherent = (loss: Loss) => isInside(loss.startedAt) || isInside(loss.endedAt);
  return {inherent: losses.filter(isInherent), failed: losses.filter(loss => !isInherent(loss))};
}

/** Room for what is under way: a poll, a timer's pipe, a kept connection. */
const NOISE = {descriptors: 8, processes: 1, files: 6} as const;
const MAX_RSS_KIB = 400_000;
const MAX_HISTORY_FILES = 800;

/** What one daemon holds at a calm moment, against its first calm moment. */
export function judgeUsage(first: Usage, now: Usage): Discrepancy[] {
  const found: Discrepancy[] = [];
  const bound = (what: string, value: number, limit: number, detail = '') => {
    if (value > limit) found.push({what: `leak of ${what}`, detail: `${value}, bound ${limit} ${detail}`});
  };
  bound('descriptors', now.descriptors, first.descriptors + NOISE.descriptors);
  bound('processes', now.children.length, first.children.length + NOISE.processes, now.children.join('; '));
  bound('zombies', now.zombies, 0);
  bound('HAProxy processes', now.haproxies, 1);
  bound('firewall rules', now.rules.length, 0, now.rules.join('; '));
  bound('files', now.files.length, first.files.length + NOISE.files, now.files.join(' '));
  bound('history files', now.historyFiles, MAX_HISTORY_FILES);
  bound('temporary files', now.temporary.length, first.temporary.length, now.temporary.join(' '));
  bound('memory (KiB)', now.rssKib, MAX_RSS_KIB);
  return found;
}

/** The heap takes what it likes at first; after that a daemon may grow by so much in all. */
const WARM_UP_MS = 120_000;
const MIN_SAMPLES = 6;
const MAX_GROWTH_KIB = 40_000;

/** KiB a minute that one daemon's memory grows, by the median of all slopes; undefined for too few samples. */
export function slopeOf(samples: readonly Usage[]): number | undefined {
  const [first] = samples;
  const warm = samples.filter(({atMs}) => first !== undefined && atMs - first.atMs >= WARM_UP_MS);
  if (warm.length < MIN_SAMPLES) return undefined;
  const slopes = warm.flatMap((a, index) =>
    warm.slice(index + 1).map(b => ((b.rssKib - a.rssKib) * 60_000) / (b.atMs - a.atMs)),
  );
  return slopes.sort((a, b) => a - b)[Math.floor(slopes.length / 2)];
}

/** Memory that grows steadily. */
export function judgeGrowth(samples: readonly Usage[]): Discrepancy[] {
  const slope = slopeOf(samples);
  const [first, last] = [samples[0], samples.at(-1)];
  if (slope === undefined || first === undefined || last === undefined) return [];
  const growthKib = (slope * (last.atMs - first.atMs - WARM_UP_MS)) / 60_000;
  if (growthKib <= MAX_GROWTH_KIB) return [];
  return [{what: 'leak of memory', detail: `${Math.round(slope)} KiB a minute, ${Math.round(growthKib)} KiB in all`}];
}

const text = (hosts: Hosts): string => JSON.stringify(hosts);
