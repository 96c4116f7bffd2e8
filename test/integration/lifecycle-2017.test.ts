import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {describe, test} from 'node:test';
import {isDeepStrictEqual} from 'node:util';
import {startBackends} from '../support/backend.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {getSegments} from '../support/exchange.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {machine} from '../support/place.ts';
import {openPodFolder, type PodFolder, shell} from '../support/pod.ts';

/**
 * The pod's own manifest of 2017 (docs/contract-2017.md#lifecycle): `configure` writes `proxy.cfg` from its INPUT and
 * restarts haproxy as a job; the terminal state was called `shutdown` later. Python made the configuration, a few lines
 * of shell do here. What its blocks end with counted for nothing, and neither did what supervisorctl could not do.
 */
const MANIFEST = `
initial: setup
terminal: shutdown
states:
  - tag: setup
    next:
      - configure
    shell: |
      set -e
      supervisorctl start exim4
      supervisorctl start haproxy
      supervisorctl start telegraf
      echo setup >> $POD/visits
      [ -n "$NOT_SET" ]
  - tag: configure
    next:
      - configure
      - expose-via-*
    shell: |
      echo "configure $INPUT" >> $POD/visits
      case $INPUT in *127.5.5.5*) echo "nobody to ask"; exit 0 ;; esac
      {
        printf 'defaults\\n  mode http\\n  timeout connect 2s\\n  timeout client 15s\\n  timeout server 15s\\n'
        printf 'frontend f\\n  bind 127.0.0.1:%s\\n  default_backend b\\nbackend b\\n' $WEB_PORT
        for ip in $(printf %s "$INPUT" | grep -oE '[0-9]+(\\.[0-9]+){3}'); do
          case $ip in 127.6.6.6) echo '  nonsense' ;; *) echo "  server s-$ip $ip:$POD_PORT" ;; esac
        done
      } > $KONTROL_DATA/proxy.cfg
      supervisorctl restart haproxy
      [ -n "$NOT_SET" ] && echo done
  - tag: expose-via-route53
    next: [configure]
    shell: |
      echo "expose $ZONE" >> $POD/visits
      supervisorctl status haproxy | grep -q STOPPED
  - tag: shutdown
    shell: |
      echo shutdown >> $POD/visits
      exit 9
`;

/** Leaves haproxy as it is where what it made is what runs; of all apps it shows `web` alone. */
const COMPARING = `
initial: setup
terminal: stop
states:
  - {tag: setup, next: [configure]}
  - tag: configure
    next: [configure]
    shell: |
      echo "configure $INPUT" >> $POD/visits
      {
        printf 'defaults\\n  mode http\\n  timeout connect 2s\\n  timeout client 15s\\n  timeout server 15s\\n'
        printf 'listen l\\n  bind 127.0.0.1:%s\\n' $WEB_PORT
        web=$(printf %s "$INPUT" | sed -n 's/.*"web":\\[\\([^]]*\\)\\].*/\\1/p')
        for ip in $(printf %s "$web" | tr -d '"' | tr , ' '); do echo "  server s-$ip $ip:80"; done
      } > $KONTROL_DATA/rendered.cfg
      cmp -s $KONTROL_DATA/rendered.cfg $KONTROL_DATA/proxy.cfg && exit 0
      cp $KONTROL_DATA/rendered.cfg $KONTROL_DATA/proxy.cfg
      supervisorctl restart haproxy
  - tag: stop
`;

const TEMPLATE = 'frontend unused\n  bind 127.0.0.1:1\n';

interface Pod {
  readonly folder: PodFolder;
  readonly daemon: Daemon;
  readonly webPort: number;
  readonly socat: (command: string) => Promise<string>;
}

async function startPod(
  folder: PodFolder,
  env: Record<string, string> = {},
  {manifest = MANIFEST, dataFolder}: {readonly manifest?: string; readonly dataFolder?: string} = {},
): Promise<Pod> {
  const [webPort, podPort] = [await freePort(), await freePort()];
  const daemon = await startDaemon({
    template: TEMPLATE,
    ...(dataFolder !== undefined && {dataFolder}),
    env: {
      ...folder.env,
      POD: folder.path,
      WEB_PORT: String(webPort),
      POD_PORT: String(podPort),
      KONTROL_LIFECYCLE: await folder.write('lifecycle.yml', manifest),
      ...env,
    },
  });
  return {
    folder,
    daemon,
    webPort,
    socat: async command => (await shell(`socat -t 60 - ${daemon.dataFolder}/sock`, {}, command)).stdout,
  };
}

async function answerOf(webPort: number): Promise<string> {
  const outcome = await machine.exchange({
    host: '127.0.0.1',
    port: webPort,
    segments: getSegments('/', 'x'),
    timeoutMs: 3000,
  });
  return outcome.is === 'answered' ? `${outcome.answer.status} ${outcome.answer.body}`.trim() : outcome.kind;
}

/** As `GET /state` has them. */
const hostsServed = async ({getMaster}: Daemon): Promise<unknown> =>
  (JSON.parse((await getMaster('/state'))?.body ?? '{}') as {readonly hosts?: unknown}).hosts;

const visitsOf = async ({folder}: Pod): Promise<string[]> =>
  (await readFile(folder.file('visits'), 'utf8')).trim().split('\n');

describe('manifest of 2017', {skip: missing('haproxy', 'socat'), timeout: 600_000}, () => {
  test('the whole life of a pod, through the shim -> every state as it was, HAProxy serves what the blocks wrote', async () => {
    await using folder = await openPodFolder();
    const pod = await startPod(folder);
    await using daemon = pod.daemon;
    const ready = await daemon.waitFor(
      status => status.inSync && status.proxy.state === 'RUNNING' && status,
      'a start',
    );
    assert.equal(ready.lifecycle.state, 'configure');
    assert.deepEqual(await visitsOf(pod), ['setup', 'configure {}']);
    assert.match(await answerOf(pod.webPort), /^503/);

    await daemon.ping({ip: '127.0.0.9'});
    await daemon.waitFor(
      async ({inSync}) => inSync && (await visitsOf(pod)).includes('configure {"web":["127.0.0.9"]}'),
      'the pass of the ping',
    );

    const podPort = Number(
      /server s-127\.0\.0\.9 127\.0\.0\.9:(\d+)/.exec(await readFile(`${daemon.dataFolder}/proxy.cfg`, 'utf8'))?.[1],
    );
    await using _backends = await startBackends([{name: 'pod', host: '127.0.0.1', port: podPort}], machine);
    assert.equal(await pod.socat('WAIT configure {"web":["127.0.0.1"]}\n'), 'OK');
    assert.match(await answerOf(pod.webPort), /^200 /);
    const serving = (await daemon.status())?.proxy.generation;

    assert.equal(await pod.socat('SET ZONE example.org\n'), 'OK');
    assert.equal(await pod.socat('WAIT expose-via-route53\n'), 'OK');
    assert.equal(await pod.socat('STATE\n'), 'expose-via-route53');
    assert.ok((await visitsOf(pod)).includes('expose example.org'));

    assert.equal(await pod.socat('WAIT configure {"web":["127.6.6.6"]}'), 'KO', 'though the block itself ended well');
    assert.match(await answerOf(pod.webPort), /^200 /);
    const refused = await daemon.status();
    assert.equal(refused?.proxy.generation, serving);
    assert.match(refused?.lastError ?? '', /unknown keyword 'nonsense'/);
    assert.doesNotMatch(await readFile(`${daemon.dataFolder}/proxy.cfg`, 'utf8'), /nonsense/);

    await daemon.ping({ip: '127.0.0.8'});
    const served = {web: ['127.0.0.9', '127.0.0.8']};
    await daemon.waitFor(async () => isDeepStrictEqual(await hostsServed(daemon), served), 'another pod');
    await daemon.ping({ip: '127.5.5.5'});
    const skipped = await daemon.waitFor(status => !status.inSync && status.lastError !== null && status, 'its fault');
    assert.match(
      skipped.problems[0]?.why ?? '',
      /left \S+proxy\.cfg and haproxy as they were; it said last: nobody to ask/,
    );
    assert.deepEqual(await hostsServed(daemon), served);

    daemon.signal('SIGTERM');
    assert.deepEqual(await daemon.exited, {code: 0, signal: null});
    assert.equal((await visitsOf(pod)).at(-1), 'shutdown');
  });

  test('no template, a payload changes, telegraf cannot run -> no pass or start fails of it, no visit for the payload', async () => {
    await using folder = await openPodFolder();
    await folder.write('telegraf', '#!/bin/sh\nexit 3\n', 0o755);
    const pod = await startPod(folder, {
      KONTROL_ANNOTATIONS: JSON.stringify({'kontrol.unity3d.com/opentsdb': 'tsdb.example.org'}),
      KONTROL_TELEGRAF_CONF: folder.file('telegraf.conf'),
      KONTROL_TEMPLATE: '',
    });
    await using daemon = pod.daemon;
    await daemon.waitFor(({inSync}) => inSync, 'a start');
    assert.match(await readFile(folder.file('telegraf.conf'), 'utf8'), /tsdb\.example\.org/);
    await daemon.ping({ip: '127.0.0.9'});
    await daemon.waitFor(async () => (await visitsOf(pod)).length === 3, 'the pass of the ping');
    await daemon.ping({ip: '127.0.0.9', payload: 'new'});
    await daemon.ping({ip: '127.0.0.8'});
    await daemon.waitFor(async () => (await visitsOf(pod)).at(-1)?.includes('127.0.0.8'), 'the next pass');
    assert.equal((await visitsOf(pod)).length, 4);
  });

  test('a block that ends where nothing is to be done -> in sync, /state follows; also after a restart of the daemon', async () => {
    await using folder = await openPodFolder();
    const options = {manifest: COMPARING, dataFolder: folder.file('data')};
    const env = {WEB_PORT: String(await freePort())};
    const served = {db: ['127.0.0.8'], web: ['127.0.0.9']};
    const serves = async (daemon: Daemon) =>
      daemon.waitFor(
        async status => status.inSync && isDeepStrictEqual(await hostsServed(daemon), served) && status,
        'both apps',
      );
    let generation = 0;
    {
      await using daemon = (await startPod(folder, env, options)).daemon;
      await daemon.waitFor(({inSync}) => inSync, 'a start');
      await daemon.ping({ip: '127.0.0.9'});
      await daemon.waitFor(
        async () => isDeepStrictEqual(await hostsServed(daemon), {web: ['127.0.0.9']}),
        'the pass of the first ping',
      );
      generation = (await daemon.status())?.proxy.generation ?? 0;
      await daemon.ping({ip: '127.0.0.8', app: 'db'});
      assert.equal((await serves(daemon)).proxy.generation, generation);
      daemon.signal('SIGTERM');
      assert.deepEqual(await daemon.exited, {code: 0, signal: null});
    }
    // Its block finds `proxy.cfg` as it would make it, with no HAProxy that runs it.
    await using daemon = (await startPod(folder, env, options)).daemon;
    assert.equal((await serves(daemon)).proxy.state, 'RUNNING');
  });

  test('supervisorctl cannot be run in the first pass, and nobody is known -> what the block wrote serves all the same', async () => {
    await using folder = await openPodFolder();
    const manifest = COMPARING.replace('supervisorctl', 'no-such-supervisorctl').replace(
      'restart haproxy',
      '$& || true',
    );
    const {daemon: started, webPort} = await startPod(folder, {}, {manifest});
    await using daemon = started;
    await daemon.waitFor(({inSync, proxy}) => inSync && proxy.state === 'RUNNING', 'HAProxy');
    assert.match(await answerOf(webPort), /^503/);
    assert.match(JSON.stringify(daemon.logs), /the block of configure started no haproxy with .*no-such-supervisorctl/);
  });

  test('supervisorctl, from outside a block -> drives haproxy as a job; restart is a reload', async () => {
    await using folder = await openPodFolder();
    // Its blocks use none, so that one that cannot be read costs nothing.
    const pod = await startPod(folder, {KONTROL_TEMPLATE: folder.file('no-such-template')});
    await using daemon = pod.daemon;
    await daemon.waitFor(({inSync}) => inSync, 'a start');
    const run = (line: string) => shell(line, {...folder.env, KONTROL_SOCKET: `${daemon.dataFolder}/sock`});
    const status = await run('supervisorctl -c /etc/supervisord.conf status');
    assert.match(status.stdout, /^haproxy +RUNNING +pid \d+, uptime \d+:\d\d:\d\d.*\ntelegraf +STOPPED/);
    const before = (await daemon.status())?.proxy;
    assert.deepEqual(await run('supervisorctl restart haproxy'), {code: 0, stdout: 'haproxy: started\n', stderr: ''});
    const after = (await daemon.status())?.proxy;
    assert.ok(after?.state === 'RUNNING' && after.generation > (before?.generation ?? 0), JSON.stringify(after));
    assert.equal((await run('supervisorctl start haproxy')).stdout, 'haproxy: ERROR (already started)\n');
    assert.equal((await run('supervisorctl stop haproxy')).stdout, 'haproxy: stopped\n');
    assert.equal((await daemon.status())?.proxy.state, 'STOPPED');
    assert.equal(await answerOf(pod.webPort), 'refused');
    assert.deepEqual(await run('supervisorctl stop haproxy'), {
      code: 0,
      stdout: 'haproxy: ERROR (not running)\n',
      stderr: '',
    });
    assert.equal((await run('supervisorctl start haproxy')).stdout, 'haproxy: started\n');
    assert.match(await answerOf(pod.webPort), /^503/);
    assert.deepEqual(await run('supervisorctl start nginx'), {
      code: 1,
      stdout: 'nginx: ERROR (no such process)\n',
      stderr: '',
    });
  });

  test('no template where a state renders -> the start is refused, and says what to set', async () => {
    await using folder = await openPodFolder();
    const KONTROL_LIFECYCLE = await folder.write(
      'lifecycle.yml',
      'initial: configure\nterminal: configure\nstates: [{tag: configure, run: [render, validate, apply]}]\n',
    );
    await using daemon = await startDaemon({template: '', env: {KONTROL_LIFECYCLE}});
    assert.deepEqual(await daemon.exited, {code: 2, signal: null});
    assert.match(JSON.stringify(daemon.logs.at(-1)), /there is no template: set the annotation haproxy/);
  });
});
