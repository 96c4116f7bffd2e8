import {execFileSync} from 'node:child_process';
import type {Place} from '../support/place.ts';
import type {CastPod} from './pods.ts';

const APPS: Readonly<Record<string, {readonly pods: number; readonly anchors: number}>> = {
  web: {pods: 7, anchors: 2},
  api: {pods: 4, anchors: 1},
  // None of it must be there, so that the app comes and goes; enough for the guard.
  batch: {pods: 8, anchors: 0},
};

/** The app whose pods fall silent all at once. */
export const HUSHED_APP = 'batch';

const FIRST_HOST = 21;

const CROWD = Object.entries(APPS).flatMap(([app, {pods, anchors}]) =>
  Array.from({length: pods}, (_, index) => ({app, isAnchor: index < anchors, part: 'crowd'}) as const),
);

/** The pods that a plan names by their number. */
export const CROWD_SIZE = CROWD.length;

/** All pods that may ever join; anchors are there all the time. */
export const cast: readonly CastPod[] = [
  ...CROWD,
  ...([
    {app: 'api', isAnchor: false, part: 'guest'},
    {app: 'web', isAnchor: false, part: 'sick'},
    {app: 'api', isAnchor: false, part: 'sick'},
    {app: 'dark', isAnchor: false, part: 'doomed'},
    {app: 'dark', isAnchor: false, part: 'doomed'},
  ] as const),
].map((pod, index) => ({...pod, ip: `10.77.1.${FIRST_HOST + index}`}));

/** Whom one of the templates is refused with. */
export const GUEST_IP = cast.find(({part}) => part === 'guest')?.ip ?? '';

/** Gives a place all their addresses. */
export function addAddresses(place: Place): void {
  const lines = cast.map(({ip}) => `addr add ${ip}/24 dev eth0`).join('\n');
  const [file = '', ...args] = place.exec(['ip', '-batch', '-']);
  execFileSync(file, args, {input: lines});
}
