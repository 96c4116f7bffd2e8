import type {TemplateInput, TemplateVariables} from '../../src/template/input.ts';

/** A template with its variables: no hosts and nothing else, unless given. */
export function inputOf(template: string, variables: Partial<TemplateVariables> = {}): TemplateInput {
  const nothing = {labels: {}, annotations: {}};
  return {
    template,
    variables: {
      hosts: new Map(),
      pods: [],
      node: nothing,
      labels: {},
      annotations: {},
      env: {},
      certs: {},
      services: new Map(),
      ...variables,
    },
  };
}

/** A signal that never aborts. */
export const never = AbortSignal.any([]);
