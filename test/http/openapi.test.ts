import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {Ajv2020} from 'ajv/dist/2020.js';
import {OPENAPI} from '../../src/http/openapi.ts';
import {createStatus} from '../../src/http/status.ts';
import {openLog} from '../../src/ports/log.ts';
import {createStatusPorts} from './status-ports.ts';

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
  ajv.addSchema({$id: 'openapi', components: OPENAPI.components});
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
      const validate = ajv.compile(rebased(schema));
      assert.ok(validate(answer.json()), ajv.errorsText(validate.errors));
    });
  }

  test('a refusal -> is an Error of the document', async () => {
    const validate = ajv.compile(rebased(OPENAPI.components.schemas.Error ?? {}));
    for (const url of ['/nowhere', '/history/99', '/config?pass=x']) {
      assert.ok(validate((await app.inject(url)).json()), url);
    }
  });
});
