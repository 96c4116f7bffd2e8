import type {Hosts} from '../members/member.ts';

/** What a configuration names of addresses, be it with a port behind them. */
const addressesIn = (text: string): Set<string> =>
  new Set([...text.toLowerCase().matchAll(/[0-9a-f.:]+/g)].flatMap(([word]) => [word, word.replace(/:\d+$/, '')]));

/**
 * Whether changed hosts leave a configuration as it is: of each app it names every address, or never named one; and none
 * that left it. Of an app that was not there before, nobody can tell what a configuration that does not name it should say.
 */
export function fitsHosts(text: string, before: Hosts, now: Hosts): boolean {
  const named = addressesIn(text);
  const isNamed = (ip: string): boolean => named.has(ip);
  return [...new Set([...before.keys(), ...now.keys()])].every(app => {
    const [old, ips] = [before.get(app) ?? [], now.get(app) ?? []];
    if (old.some(ip => !ips.includes(ip) && isNamed(ip))) return false;
    return ips.every(isNamed) || (old.length > 0 && ![...old, ...ips].some(isNamed));
  });
}
