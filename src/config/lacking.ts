import type {Labels} from './config.ts';
import {MASTER_ANNOTATION} from './masters.ts';
import {CONFIG_ANNOTATION} from './parse.ts';

/** What a start cannot do without and does not have, named for people; none where it can go on. */
export function lackingFacts(
  facts: {readonly labels: Labels; readonly annotations: Labels; readonly ip: string | undefined},
  given: {
    readonly mode: {readonly master: boolean; readonly slave: boolean};
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): readonly string[] {
  const {labels, annotations, ip} = facts;
  const {mode, env} = given;
  const isSet = (name: string) => (env[name] ?? '').trim() !== '';
  // Whether a lifecycle.yml of one's own renders a template is seen when it is read.
  const hasTemplate =
    annotations[CONFIG_ANNOTATION] !== undefined || isSet('KONTROL_TEMPLATE') || isSet('KONTROL_LIFECYCLE');
  return [
    ...['app', 'role'].filter(name => !labels[name]).map(name => `its label "${name}"`),
    ...(mode.master && !hasTemplate ? [`its annotation ${CONFIG_ANNOTATION}`] : []),
    ...(mode.slave && annotations[MASTER_ANNOTATION] !== undefined && ip === undefined ? ['its IP'] : []),
  ];
}
