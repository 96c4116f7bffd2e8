import {type ChildProcess, execFile, spawn} from 'node:child_process';
import {createWriteStream, existsSync} from 'node:fs';
import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {request} from 'node:https';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {promisify} from 'node:util';
import {freePort} from '../support/free-port.ts';
import {apiserverBinary, isApiserverBeingBuilt} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';

/** A real etcd and kube-apiserver (1.20, RBAC on) on loopback. No controller and no kubelet runs beside it. */
export interface ApiServer extends AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  readonly caFile: string;
  /** What signs the tokens of ServiceAccounts. */
  readonly accountKeyFile: string;
  /** One call, as a cluster's administrator or whoever has `token`. */
  call(method: string, path: string, options?: CallOptions): Promise<{readonly status: number; readonly text: string}>;
  /** One call as a cluster's administrator; throws when it is refused. */
  admin(method: string, path: string, body?: unknown, contentType?: string): Promise<Readonly<Record<string, unknown>>>;
  /** Kills the API server as a crash would, waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again where it was, waits until it is ready. */
  start(): Promise<void>;
  /** Has etcd forget all versions but the current one, as it is told to every five minutes. */
  compact(): Promise<void>;
}

interface CallOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly token?: string;
}

/** It takes 5 s on a quiet machine. */
const START_LIMIT_MS = 300_000;
const BUILD_POLL_MS = 1000;
const BUILD_LIMIT_MS = 20 * 60_000;

/** The time-out of a suite that uses one: a build may come first. */
export const APISERVER_SUITE_MS = BUILD_LIMIT_MS + 10 * 60_000;

const openssl = (cwd: string, ...args: string[]) => promisify(execFile)('openssl', args, {cwd});

async function sign(folder: string, name: string, subject: string, extensions: string): Promise<void> {
  await writeFile(join(folder, `${name}.ext`), extensions);
  await openssl(folder, 'ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', `${name}.key`);
  await openssl(folder, 'req', '-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`);
  const signing = ['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
  await openssl(folder, ...signing, '-days', '30', '-extfile', `${name}.ext`, '-out', `${name}.crt`);
}

async function makeKeys(folder: string): Promise<void> {
  await mkdir(folder, {recursive: true, mode: 0o700});
  await openssl(folder, 'ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', 'ca.key');
  await openssl(
    folder,
    'req',
    '-x509',
    '-new',
    '-key',
    'ca.key',
    '-days',
    '30',
    '-subj',
    '/CN=test-ca',
    '-out',
    'ca.crt',
  );
  await sign(folder, 'server', '/CN=kube-apiserver', 'extendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1\n');
  await sign(folder, 'admin', '/O=system:masters/CN=admin', 'extendedKeyUsage=clientAuth\n');
  await openssl(folder, 'genrsa', '-out', 'accounts.key', '2048');
}

function run(file: string, args: readonly string[], log: string): ChildProcess {
  const child = spawn(file, args, {stdio: ['ignore', 'pipe', 'pipe']});
  const output = createWriteStream(log, {flags: 'a'});
  child.stdout.pipe(output, {end: false});
  child.stderr.pipe(output, {end: false});
  return child;
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise(resolve => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** Waits for a build that goes on beside the suites. */
async function untilBuilt(): Promise<void> {
  const deadlineMs = performance.now() + BUILD_LIMIT_MS;
  while (!existsSync(apiserverBinary)) {
    const isHopeless = !isApiserverBeingBuilt() || performance.now() > deadlineMs;
    if (isHopeless && !existsSync(apiserverBinary)) {
      throw new Error(`no kube-apiserver: see build.log beside ${apiserverBinary}`);
    }
    await sleep(BUILD_POLL_MS);
  }
}

/** Starts both, with more admission plugins where they are named; it takes 5 to 10 s. Disposing ends them and removes all they wrote. */
export async function startApiServer({
  admission = [],
}: {
  readonly admission?: readonly string[];
} = {}): Promise<ApiServer> {
  await untilBuilt();
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-kube-'));
  const pki = join(folder, 'pki');
  await makeKeys(pki);
  const [port, etcdPort, peerPort] = [await freePort(), await freePort(), await freePort()];
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const etcd = run(
    'etcd',
    [
      ['--name', 'test', '--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync'],
      ['--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
      ['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `test=${peerUrl}`],
    ].flat(),
    join(folder, 'etcd.log'),
  );
  const key = await readFile(join(pki, 'admin.key'));
  const cert = await readFile(join(pki, 'admin.crt'));
  const ca = await readFile(join(pki, 'ca.crt'));
  let apiserver: ChildProcess | undefined;

  const call: ApiServer['call'] = (method, path, {body, contentType = 'application/json', token} = {}) =>
    new Promise((resolve, reject) => {
      const identity = token === undefined ? {key, cert} : {};
      const headers = {
        ...(body !== undefined && {'Content-Type': contentType}),
        ...(token !== undefined && {Authorization: `Bearer ${token}`}),
      };
      const target = {host: '127.0.0.1', port, method, path, headers};
      const options = {...target, ...identity, ca, timeout: 60_000, agent: false};
      const outgoing = request(options, async answer => {
        let text = '';
        try {
          for await (const chunk of answer) text += chunk;
          resolve({status: answer.statusCode ?? 0, text});
        } catch (error) {
          reject(error);
        }
      });
      outgoing.on('error', reject).on('timeout', () => outgoing.destroy(new Error('no answer')));
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });

  const start = async () => {
    apiserver = run(
      apiserverBinary,
      [
        `--etcd-servers=${etcdUrl}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        '--advertise-address=127.0.0.1',
        '--endpoint-reconciler-type=none',
        '--service-cluster-ip-range=10.96.0.0/24',
        `--tls-cert-file=${pki}/server.crt`,
        `--tls-private-key-file=${pki}/server.key`,
        `--client-ca-file=${pki}/ca.crt`,
        `--cert-dir=${folder}`,
        '--authorization-mode=RBAC',
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-signing-key-file=${pki}/accounts.key`,
        `--service-account-key-file=${pki}/accounts.key`,
        '--disable-admission-plugins=ServiceAccount',
        '--allow-privileged=true',
        // On by itself since 1.22.
        '--feature-gates=EndpointSliceTerminatingCondition=true',
        ...(admission.length === 0 ? [] : [`--enable-admission-plugins=${admission.join(',')}`]),
        // The server closes watches that ask for longer, and soon forgets old versions: both are to be seen in tests.
        '--min-request-timeout=20',
      ],
      join(folder, 'kube-apiserver.log'),
    );
    const started = apiserver;
    const isReady = async () => {
      if (started.exitCode !== null) throw new Error(`kube-apiserver ended: see ${folder}/kube-apiserver.log`);
      const answer = await call('GET', '/readyz').catch(() => undefined);
      return answer?.status === 200;
    };
    await waitFor(isReady, 'a ready kube-apiserver', {timeoutMs: START_LIMIT_MS});
  };

  try {
    await start();
  } catch (error) {
    await end(apiserver);
    await end(etcd);
    throw error;
  }

  return {
    port,
    folder,
    caFile: join(pki, 'ca.crt'),
    accountKeyFile: join(pki, 'accounts.key'),
    call,
    async admin(method, path, body, contentType) {
      const {status, text} = await call(method, path, {body, ...(contentType !== undefined && {contentType})});
      if (status >= 400) throw new Error(`${method} ${path}: ${status} ${text}`);
      return JSON.parse(text) as Record<string, unknown>;
    },
    kill: () => end(apiserver),
    start,
    async compact() {
      const post = async (path: string, body: unknown) => {
        const answer = await fetch(`${etcdUrl}/v3/kv/${path}`, {method: 'POST', body: JSON.stringify(body)});
        if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
        return (await answer.json()) as {header: {revision: string}};
      };
      const {header} = await post('range', {key: 'eA=='});
      await post('compaction', {revision: header.revision, physical: true});
    },
    async [Symbol.asyncDispose]() {
      await end(apiserver);
      await end(etcd);
      await rm(folder, {recursive: true, force: true});
    },
  };
}
