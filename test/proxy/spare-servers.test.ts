import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {spareIp} from '../../src/proxy/spare-address.ts';
import {addSpareServers, findSpares, type Spared} from '../../src/proxy/spare-servers.ts';
import {atOnce} from '../../src/steps.ts';
import {createEngine} from '../../src/template/engine.ts';
import {imaginePods} from '../../src/template/imagined-pods.ts';
import {listed, type TemplateInput} from '../../src/template/input.ts';

const engine = createEngine(() => 0);

function render(input: TemplateInput): string {
  const entries = Object.entries(listed(input.variables));
  const head = {timeoutMs: 1000, tracksLines: false, names: entries.map(([name]) => name)};
  const [answer, text] = engine([
    JSON.stringify(head),
    input.template,
    ...entries.map(([, value]) => JSON.stringify(value)),
  ]);
  assert.equal(JSON.parse(answer).is, 'rendered', answer);
  return text;
}

const POD = {app: 'web', role: 'frontend', payload: {weight: 7}};

const inputOf = (template: string): TemplateInput => ({
  template,
  variables: {
    hosts: new Map([['web', ['10.0.0.1', '10.0.0.2']]]),
    pods: [
      {...POD, id: 'a', ip: '10.0.0.1', key: 'k1', seq: 4},
      {...POD, id: 'b', ip: '10.0.0.2', key: 'k2', seq: 9},
    ],
    node: {labels: {}, annotations: {}},
    labels: {},
    annotations: {},
    env: {},
    certs: {},
    services: new Map(),
  },
});

/** With two spare servers for `web`. */
function spare(template: string): Spared {
  const input = inputOf(template);
  const {input: imagined, ips, marks} = imaginePods(input, new Map([['web', 2]]), spareIp);
  return atOnce(addSpareServers(render(input), {text: render(imagined), ips, marks}));
}

const FRONTEND = 'frontend f\n  bind :80\n  default_backend web\n';

describe('addSpareServers', () => {
  test('a server for each address, named by its place -> as many more, in maintenance', () => {
    const spared = spare(
      `${FRONTEND}backend web\n{% for ip in hosts.web %}  server web-{{ loop.index }} {{ ip }}:80 check # {{ ip }}\n{% endfor %}backend other\n  server x 10.1.1.1:80\n`,
    );
    assert.deepEqual(spared, {
      is: 'spared',
      text: `${FRONTEND}backend web\n  server web-1 10.0.0.1:80 check # 10.0.0.1\n  server web-2 10.0.0.2:80 check # 10.0.0.2\n  server web-3 192.0.2.3:80 check disabled\n  server web-4 192.0.2.4:80 check disabled\nbackend other\n  server x 10.1.1.1:80`,
      names: new Set(['web/web-3', 'web/web-4']),
    });
  });

  test('options from the payload -> those of the last pod', () => {
    const spared = spare(
      `backend web\n{% for pod in pods %}  server s{{ loop.index }} {{ pod.ip }}:80 weight {{ pod.payload.weight }}\n{% endfor %}`,
    );
    assert.ok(spared.is === 'spared' && spared.text.endsWith('  server s4 192.0.2.4:80 weight 7 disabled\n'));
  });

  test('a backend that had no server before -> none for it', () => {
    const spared = spare(
      `backend web\n{% for ip in hosts.web %}  server w{{ loop.index }} {{ ip }}:80\n{% endfor %}backend third\n{% for ip in hosts.web[2:] %}  server t{{ loop.index }} {{ ip }}:80\n{% endfor %}`,
    );
    assert.deepEqual(spared.is === 'spared' && [...spared.names], ['web/w3', 'web/w4']);
  });

  test('an id for each server -> as many more', () => {
    const spared = spare(
      'backend web\n  server always 10.1.1.1:80 id 99\n{% for ip in hosts.web %}  server w{{ loop.index }} {{ ip }}:80 id {{ loop.index }}\n{% endfor %}',
    );
    assert.deepEqual(spared.is === 'spared' && [...spared.names], ['web/w3', 'web/w4']);
  });

  test('clients that are not sent to servers in maintenance -> as many more', () => {
    const spared = spare(
      'backend web\n  no option persist\n{% for ip in hosts.web %}  server w{{ loop.index }} {{ ip }}:80\n{% endfor %}',
    );
    assert.deepEqual(spared.is === 'spared' && [...spared.names], ['web/w3', 'web/w4']);
  });

  test('thousands of lines -> in steps', () => {
    const text = `backend web\n${'  server w 10.0.0.1:80\n'.repeat(1000)}`;
    const steps = addSpareServers(text, {text, ips: new Set(), marks: []});
    assert.equal([...steps].length, 5);
  });

  const refusals = {
    'names made from addresses': [
      "backend web\n{% for ip in hosts.web %}  server w-{{ ip|replace('.', '-') }} {{ ip }}:80\n{% endfor %}",
      'what servers of web are called or do depends on what only the pod says',
    ],
    'names made from ids': [
      'backend web\n{% for pod in pods %}  server {{ pod.id }} {{ pod.ip }}:80\n{% endfor %}',
      'what servers of web are called or do depends on what only the pod says',
    ],
    'names made from seq': [
      'backend web\n{% for pod in pods %}  server w{{ pod.seq }} {{ pod.ip }}:80\n{% endfor %}',
      'what servers of web are called or do depends on what only the pod says',
    ],
    'a count elsewhere': [
      'global\n  maxconn {{ hosts.web|length * 1000 }}\nbackend web\n{% for ip in hosts.web %}  server w{{ loop.index }} {{ ip }}:80\n{% endfor %}',
      'more than servers changes with each pod in global',
    ],
    'servers that come before others': [
      'backend web\n{% for ip in hosts.web %}  server w{{ loop.index }} {{ ip }}:80\n{% endfor %}  server last 10.1.1.1:80 backup\n',
      'servers of web do not end with its pods',
    ],
    'two servers of one name': [
      'backend web\n{% for ip in hosts.web %}  server w{{ loop.index % 2 }} {{ ip }}:80\n{% endfor %}',
      'another server of web is called w1',
    ],
    'an id that HAProxy gives another server': [
      'backend web\n  server always 10.1.1.1:80\n{% for ip in hosts.web %}  server w{{ loop.index }} {{ ip }}:80 id {{ loop.index }}\n{% endfor %}',
      'servers of web without an "id" would have another one',
    ],
    'peers among the pods': [
      'backend web\n{% for ip in hosts.web %}  server w{{ loop.index }} {{ ip }}:80\n{% endfor %}peers p\n{% for ip in hosts.web %}  server p{{ loop.index }} {{ ip }}:81\n{% endfor %}',
      'more than servers changes with each pod in peers p',
    ],
    agents: [
      'backend web\n  default-server agent-check agent-port 81\n{% for ip in hosts.web %}  server w{{ loop.index }} {{ ip }}:80\n{% endfor %}',
      'HAProxy asks the agents of servers in maintenance, too ("agent-check")',
    ],
    'clients that are sent to servers in maintenance': [
      'defaults\n  option persist\nbackend web\n{% for ip in hosts.web %}  server w{{ loop.index }} {{ ip }}:80\n{% endfor %}',
      'clients would be sent to servers in maintenance ("option persist")',
    ],
    'some clients that are sent to servers in maintenance': [
      'backend web\n  force-persist if { src 10.0.0.0/8 }\n{% for ip in hosts.web %}  server w{{ loop.index }} {{ ip }}:80\n{% endfor %}',
      'clients would be sent to servers in maintenance ("force-persist")',
    ],
    'no server for a pod': ['backend web\n  server a 10.1.1.1:80\n', 'no server comes with a pod'],
    'a line that goes': [
      'backend web\n{% if hosts.web|length < 3 %}  option redispatch\n{% endif %}{% for ip in hosts.web %}  server w{{ loop.index }} {{ ip }}:80\n{% endfor %}',
      'more than servers changes with each pod in backend web',
    ],
    'the last line goes': [
      'backend web\n{% for ip in hosts.web %}  server w{{ loop.index }} {{ ip }}:80\n{% endfor %}{% if hosts.web|length < 3 %}backend more\n{% endif %}',
      'a line goes when a pod comes',
    ],
  };
  for (const [what, [template = '', why = '']] of Object.entries(refusals)) {
    test(`${what} -> none, with the reason`, () => assert.deepEqual(spare(template), {is: 'none', why}));
  }
});

test('the spare servers of a text -> those in maintenance at an address of documentation', () => {
  const text =
    'backend web\n  server a 192.0.2.1:80 disabled\n  server b 192.0.2.2:80\n  server c 10.0.0.1:80 disabled\n';
  assert.deepEqual([...findSpares(text)], ['web/a']);
});
