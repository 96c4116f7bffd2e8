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
  /** What a template sees instead where it is there: the payload's JSON text. */
  readonly payloadText?: string;
}

/** An address of a Service as a template sees it in `services`. */
export interface SeenEndpoint {
  readonly ip: string;
  /** The first of its ports, and that one's name; null where the Service has none that is TCP. */
  readonly port: number | null;
  readonly port_name: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly zone: string;
  readonly node: string;
  readonly pod: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
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
  /** By app, in the order of apps. */
  readonly services: ReadonlyMap<string, readonly SeenEndpoint[]>;
}

/** A template with everything it can see: one pass renders one of these. */
export interface TemplateInput {
  readonly template: string;
  readonly variables: TemplateVariables;
}

/** As JSON can hold it: an object would put apps with names such as "10" first. */
export const listed = (variables: TemplateVariables) => ({
  ...variables,
  hosts: [...variables.hosts],
  services: [...variables.services],
});

/** Changes when anything a template can see does: a pass is due then, and only then. */
export const digestInput = ({template, variables}: TemplateInput): string =>
  createHash('md5')
    .update(JSON.stringify([template, listed(variables)]))
    .digest('hex');

/** The same for a manifest of 2017, whose block makes the configuration itself: it is given hosts and annotations. */
export const digestBlockInput = ({variables: {hosts, annotations}}: TemplateInput): string =>
  createHash('md5')
    .update(JSON.stringify([[...hosts], annotations]))
    .digest('hex');
