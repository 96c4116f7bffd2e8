import {at, count, flag, listOf, mapOf, number, object, oneOf, orNull, ref, type Schema, text} from './json-schema.ts';

const POD = {app: text, ip: text, id: text};
const PASS_RECORD = {
  pass: count,
  generation: count,
  way: text,
  why: text,
  cause: text,
  startedAt: at,
  phasesMs: mapOf(number),
  verdict: oneOf('ok', 'unchanged', 'failed'),
  error: orNull(text),
};
const ROLLBACK = orNull(object({pass: count, sinceAt: at}));
const PATCH = object({added: count, removed: count, text, tooLarge: flag});
const RATES = {
  requestsPerSecond: number,
  bytesInPerSecond: number,
  bytesOutPerSecond: number,
  clientErrorsPerSecond: number,
  serverErrorsPerSecond: number,
  failuresPerSecond: number,
  sessions: count,
  responseTimeMs: orNull(number),
};
const WATCH = object({
  what: text,
  state: oneOf('starting', 'watching', 'failing'),
  synced: flag,
  failures: count,
  reason: orNull(text),
});
const CAPABILITIES = object({
  haproxy: object({version: text, build: text, transfer: flag}),
  gate: {
    anyOf: [
      object({is: {const: 'able'}, families: listOf(text), variant: text}),
      object({is: {const: 'unable'}, why: text}),
    ],
  },
  netAdmin: flag,
  migrate: flag,
  bindOnly: object({able: flag, why: orNull(text)}),
  lowPorts: flag,
  bindV6Only: flag,
});
const KUBERNETES = object({
  pod: object({
    namespace: text,
    id: text,
    ip: orNull(text),
    eip: orNull(text),
    nodeName: orNull(text),
    image: orNull(text),
    sources: mapOf(text),
    watch: orNull(WATCH),
    node: orNull(oneOf('unknown', 'known', 'forbidden', 'failing')),
  }),
  certificates: listOf(
    object({
      name: text,
      expiresAt: orNull(number),
      fingerprint: orNull(text),
      names: orNull(text),
      problem: orNull(text),
    }),
  ),
  mounted: orNull(object({path: text, problem: orNull(text)})),
  services: object({hosts: mapOf(listOf(text)), watch: orNull(WATCH)}),
  verify: object({source: flag, token: flag, pods: orNull(object({known: count, watches: listOf(WATCH)}))}),
});
const TEXT_REF = orNull(object({digest: text, bytes: count}));

const SCHEMAS: Readonly<Record<string, Schema>> = {
  Error: object({error: text, reason: text, detail: text}, ['detail']),
  Problem: object({
    kind: text,
    subject: orNull(text),
    severity: oneOf('bad', 'notice'),
    what: text,
    why: text,
    todo: text,
    sinceAt: at,
    sinceIs: oneOf('began', 'noticed'),
  }),
  PassRecord: object(PASS_RECORD),
  Status: object(
    {
      version: text,
      mode: listOf(text),
      uptimeMs: count,
      ready: flag,
      inSync: flag,
      lastError: orNull(text),
      lifecycle: object({state: text, sinceMs: count, error: orNull(text)}),
      digest: text,
      hosts: mapOf(listOf(text)),
      memberCount: count,
      ttlMs: count,
      store: object({kind: text, healthy: flag}),
      guard: object({held: count, holds: count}),
      zerorpc: object({connections: count}),
      fleet: listOf(object({id: text, version: text, generation: count, digest: text, inSync: flag, startedAt: at})),
      proxy: object({
        state: text,
        version: text,
        pid: orNull(count),
        generation: count,
        restarts: count,
        silentMs: count,
        isHung: flag,
        isDeaf: flag,
        hangs: count,
        draining: listOf(
          object({pid: count, generation: count, sinceMs: count, connections: orNull(count), endsInMs: orNull(count)}),
        ),
      }),
      reload: object({
        way: text,
        why: text,
        listeners: listOf(object({address: text, way: text})),
        capabilities: CAPABILITIES,
        last: orNull(ref('PassRecord')),
      }),
      rollback: ROLLBACK,
      held: {...ROLLBACK, deprecated: true, description: 'The same as `rollback`.'},
      drift: object({
        lookedAt: orNull(at),
        count,
        deviations: listOf(
          object({subject: text, backend: text, server: text, what: text, expected: text, found: text, sinceAt: at}),
        ),
      }),
      refused: orNull(
        object({reason: text, sinceAt: at, serving: orNull(object({pass: count, sinceAt: at, replica: orNull(text)}))}),
      ),
      quarantined: listOf(object({...POD, reason: text, sinceAt: at, served: text, overBound: flag})),
      notJudged: listOf(text),
      logLevel: text,
      accessLog: orNull(object({port: count, written: count, overRate: count, slowOutput: count, malformed: count})),
      problems: listOf(ref('Problem')),
      kubernetes: KUBERNETES,
    },
    ['fleet'],
  ),
  Member: object(
    {
      ...POD,
      key: text,
      role: text,
      seq: count,
      payload: {},
      firstSeenAt: at,
      lastSeenAt: at,
      expiresInMs: count,
      held: flag,
      quarantine: orNull(object({reason: text, sinceAt: at, served: text})),
      proxyState: oneOf('up', 'partly up', 'down', 'out of service', 'no server', 'not in hosts', 'unknown'),
      servers: orNull(listOf(ref('Server'))),
    },
    ['seq'],
  ),
  Server: object({
    backend: text,
    server: text,
    address: text,
    state: oneOf('up', 'down', 'drain', 'maint'),
    status: {type: 'string', description: "In HAProxy's words."},
    sinceMs: orNull(count),
    check: orNull(object({result: text, reason: orNull(text)})),
    weight: count,
    sessions: count,
    queue: count,
    errors: count,
  }),
  Departure: object({...POD, at, why: text, reason: text, heardAt: at}, ['reason']),
  Timeline: object({
    ip: text,
    gone: flag,
    moments: listOf(object({at, what: text, app: text, id: text, pass: count, reason: text}, ['pass', 'reason'])),
    member: orNull(ref('Member')),
  }),
  HistoryEntry: object({
    ...PASS_RECORD,
    joined: object({pods: listOf(object(POD)), more: count}),
    left: object({pods: listOf(object({...POD, why: text})), more: count}),
    difference: PATCH,
    secretsChanged: flag,
    configuration: TEXT_REF,
    template: TEXT_REF,
  }),
  Traffic: object({
    samples: listOf(object({at, ...RATES})),
    proxies: listOf(
      object({
        name: text,
        kind: oneOf('frontend', 'backend'),
        status: text,
        queue: count,
        servers: count,
        ...RATES,
      }),
    ),
  }),
  LogLine: object({number: count, text}),
  Check: object({
    works: flag,
    findings: listOf(
      object({
        level: oneOf('error', 'warning'),
        by: oneOf('template', 'haproxy'),
        line: orNull(count),
        column: orNull(count),
        message: text,
        detail: text,
      }),
    ),
    way: orNull(oneOf('unchanged', 'start', 'runtime', 'reload')),
    why: orNull(text),
    difference: orNull(PATCH),
    text: orNull(text),
  }),
};

const inText = (description: string, type: string): Schema => ({description, content: {[type]: {schema: text}}});
const inJson = (description: string, schema: Schema): Schema => ({
  description,
  content: {'application/json': {schema}},
});
const error = (description: string): Schema => inJson(description, ref('Error'));
const parameter = (name: string, place: 'query' | 'path', schema: Schema, required = place === 'path'): Schema => ({
  name,
  in: place,
  required,
  schema,
});
const PASS = {type: 'integer', minimum: 1};
/** `reveal=1`: with what is hidden; needs the operators' token. */
const REVEAL = parameter('reveal', 'query', {type: 'integer', enum: [0, 1], default: 0});
const UNREVEALED = {401: error('The token is missing or wrong.'), 403: error('No token is configured.')};
const UNSHOWN = {
  ...UNREVEALED,
  404: error('There is no such pass.'),
  410: error('Its text is no longer kept.'),
  503: error('Nothing has served yet.'),
};

const get = (summary: string, answer: Schema, parameters: readonly Schema[] = [], others: Schema = {}): Schema => ({
  get: {summary, ...(parameters.length > 0 && {parameters}), responses: {200: answer, ...others}},
});

const PREVIEW = parameter('preview', 'query', {
  type: 'integer',
  enum: [1],
  description: 'shows whether it would work and what would change, and changes nothing',
});

const change = (method: 'post' | 'put', summary: string, rest: Schema = {}, answers: Schema = {}): Schema => ({
  [method]: {
    summary,
    security: [{token: []}],
    ...rest,
    responses: {
      200: inJson('It is done.', {type: 'object'}),
      401: error('The token is missing or wrong.'),
      403: error('No token is configured (KONTROL_TOKEN_FILE).'),
      404: error('There is no such pass.'),
      409: error('There is nothing to do.'),
      410: error('What is needed for it is no longer kept.'),
      422: error('The pass failed; what served before serves on.'),
      503: error('The token file cannot be read.'),
      ...answers,
    },
  },
});

/** The status port described in OpenAPI 3.1. A test holds it against the routes and their answers. */
export const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: 'haproxy-kontrol status port',
    version: '1',
    description:
      'Durations end in Ms (milliseconds), moments in At (epoch milliseconds). Fields are added, never renamed.',
    license: {name: 'MIT', identifier: 'MIT'},
  },
  servers: [{url: '/'}],
  paths: {
    '/': get('The dashboard.', inText('A page.', 'text/html')),
    '/dashboard/{file}': get('What the dashboard is made of.', inText('Script or style.', '*/*'), [
      parameter('file', 'path', text),
    ]),
    '/status': get('What it is doing, and what is wrong.', inJson('The status.', ref('Status'))),
    '/members': get(
      "Who is alive, and HAProxy's servers at each address.",
      inJson('The members, by seq.', listOf(ref('Member'))),
      [parameter('app', 'query', text)],
    ),
    '/members/gone': get('Who left, when and why.', inJson('The newest first.', listOf(ref('Departure')))),
    '/members/{ip}/timeline': get(
      'The story of one IP, or of the pod with this name.',
      inJson('Its moments, oldest first.', ref('Timeline')),
      [parameter('ip', 'path', text)],
      {404: error('Nothing is known of this IP or pod.')},
    ),
    '/hosts': get('The hosts map that templates see.', inJson('IPs by app.', mapOf(listOf(text)))),
    '/history': get('The last passes.', inJson('The newest first.', listOf(ref('HistoryEntry'))), [
      parameter('limit', 'query', {type: 'integer', minimum: 1, maximum: 200, default: 200}),
    ]),
    '/history/{pass}': get('One pass.', inJson('The pass.', ref('HistoryEntry')), [parameter('pass', 'path', PASS)], {
      404: error('There is no such pass.'),
    }),
    '/config': get(
      'The configuration that serves, or that of a pass; credentials, and lines that are not understood, hidden.',
      inText('HAProxy configuration.', 'text/plain'),
      [parameter('pass', 'query', PASS), REVEAL],
      UNSHOWN,
    ),
    '/config/diff': get(
      'What changed between two passes, or since one.',
      inText('A unified diff of what is shown.', 'text/plain'),
      [parameter('from', 'query', PASS, true), parameter('to', 'query', PASS), REVEAL],
      UNSHOWN,
    ),
    '/traffic': get("HAProxy's traffic over the last 15 minutes.", inJson('Samples and proxies.', ref('Traffic'))),
    '/logs': get(
      'The last log lines, for callers on loopback or with the token.',
      inJson('Lines, oldest first.', listOf(ref('LogLine'))),
      [
        parameter('kind', 'query', {type: 'string', enum: ['daemon', 'access'], default: 'daemon'}),
        parameter('after', 'query', count),
        parameter('limit', 'query', {type: 'integer', minimum: 1, maximum: 1000, default: 100}),
      ],
      UNREVEALED,
    ),
    '/events': get(
      'Server-sent events: status, members, pass, traffic; a beat every 5 s.',
      inText('A stream that does not end.', 'text/event-stream'),
      [],
      {503: error('Too many listeners.')},
    ),
    '/metrics': get('Prometheus metrics.', inText('Text format 0.0.4.', 'text/plain')),
    '/livez': get('Whether the process is alive.', inText('ok', 'text/plain')),
    '/readyz': get('Whether it serves.', inText('ok', 'text/plain'), [], {503: inText('not ready', 'text/plain')}),
    '/openapi.json': get('This document.', inJson('OpenAPI 3.1.', {type: 'object'})),
    '/reconfigure': change('post', 'Runs a pass now.', {parameters: [PREVIEW]}),
    '/rollback': change('post', "Uses an older pass's template with today's hosts until released.", {
      parameters: [
        parameter('pass', 'query', PASS),
        parameter('at', 'query', {...at, description: 'instead of a pass: what served then'}),
        parameter('last', 'query', {type: 'integer', enum: [1], description: 'instead: the last other template'}),
        PREVIEW,
      ],
    }),
    '/release': change('post', "Ends a rollback: back to today's template.", {parameters: [PREVIEW]}),
    '/check': change(
      'post',
      "What a template would give with today's members; nothing is applied.",
      {
        requestBody: {
          required: true,
          content: {'text/plain': {schema: {type: 'string', description: 'The template, of 4 MiB at most.'}}},
        },
      },
      {
        200: inJson('What came of it, credentials hidden.', ref('Check')),
        400: error('There is no template, or it is not UTF-8.'),
        413: error('The template is too large.'),
        429: error('Other checks are under way.'),
      },
    ),
    '/log-level': change('put', 'Sets how much is logged, until the next start.', {
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: object({level: oneOf('trace', 'debug', 'info', 'warn', 'error')}),
          },
        },
      },
    }),
  },
  components: {schemas: SCHEMAS, securitySchemes: {token: {type: 'http', scheme: 'bearer'}}},
} as const;
