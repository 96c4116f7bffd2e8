import type {Container} from './container.ts';

/** A process of a container, as its own `/proc` shows it. */
export interface Process {
  readonly pid: number;
  /** 1 for the daemon and for orphans; 0 for what came in from outside, as the one that looks did. */
  readonly parent: number;
  readonly name: string;
  /** `Z` for a zombie. */
  readonly state: string;
}

const LIST = `
  const {readdirSync, readFileSync} = require('node:fs');
  const stats = readdirSync('/proc').filter(name => /^[0-9]+$/.test(name)).flatMap(pid => {
    try { return [readFileSync('/proc/' + pid + '/stat', 'utf8')]; } catch { return []; }
  });
  console.log(JSON.stringify(stats.map(stat => {
    const [, pid, name, state, parent] = /^([0-9]+) \\((.*)\\) (.) ([0-9]+)/s.exec(stat);
    return {pid: Number(pid), parent: Number(parent), name, state};
  })));
`;

/** All processes of the container, the one that looks included. */
export const processesIn = async (container: Pick<Container, 'exec'>): Promise<readonly Process[]> =>
  JSON.parse(await container.exec('node', '-e', LIST));
