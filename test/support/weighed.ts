import type {Slave} from './slave.ts';

/** The servers of the template that the tests begin with. */
const LOOP = /\{%- for key in hosts .*endfor %\}\{% endfor %\}/s;

/** A template whose servers have the weight that their pod asks for. */
export const weighed = (template: string, podPort: number): string =>
  template.replace(
    LOOP,
    `{%- for pod in pods %}\n  server s-{{ pod.seq }} {{ pod.ip }}:${podPort} weight {{ pod.payload.weight | default(1) }}\n{%- endfor %}`,
  );

/** A template that is invalid without a pod: `default_backend` names a backend that is made of them. */
export const weighedByApp = (bind: string, podPort: number): string => `
defaults
  mode http
  timeout connect 2s
  timeout client 15s
  timeout server 15s
frontend proxy
  bind ${bind}
  use_backend %[path,word(1,/)]
  default_backend web
{%- for app in hosts %}
backend {{ app }}
{%- for pod in pods if pod.app == app %}
  server s-{{ pod.seq }} {{ pod.ip }}:${podPort} weight {{ pod.payload.weight | default(1) }}
{%- endfor %}{% endfor %}
`;

/** A slave that pings until it is disposed of. One that stands in for another, from the same address, is heard in the end. */
export const running = (slave: Slave, instead?: Slave): Disposable => {
  instead?.silence();
  slave.run(500);
  return {[Symbol.dispose]: slave.silence};
};
