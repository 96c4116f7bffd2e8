import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {Ajv2020} from 'ajv/dist/2020.js';
import {OPENAPI} from '../../src/http/openapi.ts';
import {createStatus} from '../../src/http/status.ts';
import type {CheckAnswer} from '../../src/http/status-actions.ts';
import type {Status} from '../../src/http/status-types.ts';
import {openLog} from '../../src/ports/log.ts';
import {createStatusPorts, PROBLEM, STATUS} from './status-ports.ts';

type OptionalKeys<T> = {[Key in keyof T]-?: object extends Pick<T, Key> ? Key : never}[keyof T];

const {log} = openLog('error', {write: () => {}});
const app = createStatus(createStatusPorts(log));

interface Operation {
  readonly responses: Readonly<Record<string, {readonly content: Readonly<Record<string, {readonly schema: object}>>}>>;
}

const PATHS: Readonly<Record<string, Readonly<Record<string, Operation>>>> = JSON.parse(JSON.stringify(OPENAPI.paths));

/** `GET /members/:ip/timeline` for each route there is; HEAD comes with every GET. */
async function routesOf(): Promise<string[]> {
  const routes: string[] = [];
  const probe = createStatus({
    ...createStatusPorts(log),
    serveDashboard(dashboard) {
      dashboard.get('/', () => '');
      dashboard.get('/dashboard/:file', () => '');
    },
  });
  await probe.ready();
  for (const [path, operations] of Object.entries(PATHS)) {
    for (const method of Object.keys(operations)) {
      const url = path.replaceAll(/\{(\w+)\}/g, ':$1');
      if (probe.hasRoute({method: method.toUpperCase() as 'GET', url})) routes.push(`${method.toUpperCase()} ${url}`);
    }
  }
  const printed = probe.printRoutes({commonPrefix: false});
  const served = printed.match(/\((?:[A-Z, ]+)\)/g)?.flatMap(methods => methods.match(/GET|POST|PUT/g) ?? []) ?? [];
  assert.equal(served.length, routes.length, `the document and the routes differ:\n${routes.join('\n')}\n${printed}`);
  return routes;
}

/** A schema, or what it consists of. */
type Part = Readonly<Record<string, unknown>>;

const isPart = (value: unknown): value is Part => typeof value === 'object' && value !== null;

/** The same schema, in which an object has the properties that it names and no others. */
function closed(part: object): object {
  const entries = Object.entries(part).map(([name, value]) => [name, isPart(value) ? closed(value) : value]);
  const copy = Array.isArray(part) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
  return 'properties' in part && isPart(part.properties) && 'required' in part
    ? {...copy, additionalProperties: false}
    : copy;
}

/** The paths of all properties that a schema lets be absent. */
function optionalIn(part: Part, path: readonly string[] = []): string[] {
  const {properties, required} = part;
  const names = isPart(properties) ? Object.keys(properties) : [];
  const own = names.filter(name => !Array.isArray(required) || !required.includes(name));
  const inner = Object.entries(part).flatMap(([name, value]) =>
    isPart(value) ? optionalIn(value, ['properties', 'anyOf', 'items'].includes(name) ? path : [...path, name]) : [],
  );
  return [...own.map(name => [...path, name].join('.')), ...inner];
}

describe('OpenAPI document', () => {
  test('its paths -> exactly the routes there are', async () => {
    const documented = Object.entries(PATHS).flatMap(([path, operations]) =>
      Object.keys(operations).map(method => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    );
    assert.deepEqual((await routesOf()).sort(), documented.sort());
  });

  test('served at /openapi.json -> as it is here', async () => {
    assert.deepEqual((await app.inject('/openapi.json')).json(), JSON.parse(JSON.stringify(OPENAPI)));
  });

  const ajv = new Ajv2020({strict: false, allErrors: true});
  ajv.addSchema({$id: 'openapi', components: closed(OPENAPI.components)});
  const rebased = (schema: object): object =>
    JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"openapi#/components'));

  const EXAMPLES: Readonly<Record<string, string>> = {
    '/members/{ip}/timeline': '/members/10.2.0.17/timeline',
    '/history/{pass}': '/history/1',
  };

  for (const [path, operations] of Object.entries(PATHS)) {
    const schema = operations.get?.responses['200']?.content['application/json']?.schema;
    if (schema === undefined) continue;
    test(`GET ${path} -> what it answers is what the document says`, async () => {
      const answer = await app.inject({url: EXAMPLES[path] ?? path, headers: {host: 'localhost'}});
      assert.equal(answer.statusCode, 200);
      const validate = ajv.compile(rebased(closed(schema)));
      assert.ok(validate(answer.json()), ajv.errorsText(validate.errors));
    });
  }

  test('a check -> what its type says, with and without what may be absent', () => {
    const validate = ajv.compile(rebased(closed({$ref: '#/components/schemas/Check'})));
    const found = {level: 'error', by: 'haproxy', line: 3, column: null, message: 'no', detail: ''} as const;
    const difference = {added: 1, removed: 0, text: '', tooLarge: false};
    const whole: CheckAnswer = {works: true, findings: [found], way: 'runtime', why: 'x', difference, text: 'x'};
    const least: CheckAnswer = {works: false, findings: [], way: null, why: null, difference: null, text: null};
    for (const answer of [whole, least]) assert.ok(validate(answer), ajv.errorsText(validate.errors));
  });

  test('the status -> what its type says: all of it, nothing else, and what may be absent', () => {
    const validate = ajv.compile(rebased(closed({$ref: '#/components/schemas/Status'})));
    const status: Required<Status> = {...STATUS, problems: [PROBLEM]};
    assert.ok(validate(status), ajv.errorsText(validate.errors));
    assert.deepEqual(optionalIn(OPENAPI.components.schemas.Status ?? {}), ['fleet'] satisfies OptionalKeys<Status>[]);
  });

  test('a refusal -> is an Error of the document', async () => {
    const validate = ajv.compile(rebased(OPENAPI.components.schemas.Error ?? {}));
    for (const url of ['/nowhere', '/history/99', '/config?pass=x']) {
      assert.ok(validate((await app.inject(url)).json()), url);
    }
  });
});
