import {createHash} from 'node:crypto';
import type {Labels} from '../config/config.ts';
import type {Hosts, Json} from '../members/member.ts';

/** A member as a template sees it in `pods`: what it said of itself and its place in the order; never times. */
export interface Pod {
  readonly app: string;
  readonly id: string;
  readonly ip: string;
  readonly key: string;
  readonly role: string;
  readonly seq: number | undefined;
  readonly payload: Json;
}

/** The variables of a template (docs/templates.md#variables). */
export interface TemplateVariables {
  readonly hosts: Hosts;
  readonly pods: readonly Pod[];
  readonly node: {readonly labels: Labels; readonly annotations: Labels};
  readonly labels: Labels;
  readonly annotations: Labels;
  /** `KONTROL_*` only. */
  readonly env: Labels;
  readonly certs: Readonly<Record<string, string>>;
}

/** A template with everything it can see: one pass renders one of these. */
export interface TemplateInput {
  readonly template: string;
  readonly variables: TemplateVariables;
}

/** Changes when anything a template can see does: a pass is due then, and only then. */
export const digestInput = ({template, variables}: TemplateInput): string =>
  createHash('md5')
    .update(JSON.stringify([template, {...variables, hosts: [...variables.hosts]}]))
    .digest('hex');

/** The same for a manifest of 2017, whose block makes the configuration itself: it is given hosts and annotations. */
export const digestBlockInput = ({variables: {hosts, annotations}}: TemplateInput): string =>
  createHash('md5')
    .update(JSON.stringify([[...hosts], annotations]))
    .digest('hex');
