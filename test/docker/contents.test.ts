import assert from 'node:assert/strict';
import {open, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {before, describe, test} from 'node:test';
import {listFolder, totalBytes} from './contents.ts';
import {alpineImage, debianImage, imageSuite, untilBuilt} from './images.ts';
import {podman} from './podman.ts';

const APPLICATION = 'usr/local/lib/haproxy-kontrol';
const LIMIT_BYTES = 40e6;

const SIDES = [
  {
    image: debianImage,
    user: '10001:10001',
    folder: '/data',
    telegraf: false,
    node: 'usr/local/bin/node',
  },
  {image: alpineImage, user: '', folder: '/home/kontrol', telegraf: true, node: 'opt/node/bin/node'},
];

interface Lock {
  readonly packages: Readonly<
    Record<string, {readonly dev?: boolean; readonly optional?: boolean; readonly devOptional?: boolean}>
  >;
}

const readLock = async (): Promise<Lock['packages']> => {
  const lock: Lock = JSON.parse(await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8'));
  return lock.packages;
};

/** `node_modules/a/node_modules/@b/c/lib/x.js` belongs to `node_modules/a/node_modules/@b/c`. */
const packageOf = (path: string): string | undefined =>
  /^(?:node_modules\/(?:@[^/]+\/)?[^/]+\/)+/.exec(path)?.[0].slice(0, -1);

const isElf = async (path: string): Promise<boolean> => {
  await using file = await open(path);
  const {buffer, bytesRead} = await file.read(Buffer.alloc(4), 0, 4, 0);
  return bytesRead === 4 && buffer.toString('latin1') === '\x7fELF';
};

for (const {image, user, folder, telegraf, node} of SIDES) {
  describe(`the contents of ${image}`, imageSuite(), () => {
    before(untilBuilt);

    test('its application -> what the lock file calls production, whole, and nothing else', async t => {
      const root = await podman('image', 'mount', image);
      const entries = await listFolder(join(root, APPLICATION));
      const tops = new Set(entries.map(({path}) => path.split('/')[0]));
      assert.deepEqual([...tops].sort(), [
        'LICENSE',
        'dist',
        'healthcheck.js',
        'lifecycle.yml',
        'node_modules',
        'package.json',
      ]);
      const installed = new Set(entries.map(({path}) => packageOf(path)).filter(name => name !== undefined));
      const production = Object.entries(await readLock()).filter(([path, {dev}]) => path !== '' && dev !== true);
      const allowed = new Set(production.map(([path]) => path));
      const needed = production.filter(([, pack]) => !pack.optional && !pack.devOptional).map(([path]) => path);
      assert.deepEqual(
        [...installed].filter(path => !allowed.has(path)),
        [],
        'not production',
      );
      assert.deepEqual(
        needed.filter(path => !installed.has(path)),
        [],
        'lacking',
      );
      const unwanted =
        /\.(d\.[cm]?ts|tsx?|map|node)$|(^|\/)(\.package-lock\.json|package-lock\.json|\.cache)$|\.test\./;
      assert.deepEqual(
        entries.map(({path}) => path).filter(path => unwanted.test(path)),
        [],
      );
      const compiled = [];
      for (const {path} of entries) if (await isElf(join(root, APPLICATION, path))) compiled.push(path);
      assert.deepEqual(compiled, [], 'compiled code would tie the image to one architecture');
      const applicationBytes = totalBytes(entries);
      assert.ok(applicationBytes < LIMIT_BYTES, `${applicationBytes} bytes`);
      const [nodeBytes, imageBytes] = [totalBytes(await listFile(root, node)), totalBytes(await listFolder(root))];
      t.diagnostic(
        `${image}: application ${megabytes(applicationBytes)}, Node ${megabytes(nodeBytes)}, all ${megabytes(imageBytes)}`,
      );
    });

    test('each production dependency -> loads from what the bundle left of it', async () => {
      const load = `
        const {dependencies} = JSON.parse((await import('node:fs')).readFileSync('package.json', 'utf8'));
        for (const name of Object.keys(dependencies)) await import(name);
        console.log('all loaded');`;
      const options = ['--rm', '--network=none', `--workdir=/${APPLICATION}`, '--entrypoint=node'];
      assert.equal(await podman('run', ...options, image, '--input-type=module', '-e', load), 'all loaded');
    });

    test('the rest -> no package lists, no npm, telegraf as asked', async () => {
      const root = await podman('image', 'mount', image);
      for (const path of ['var/lib/apt/lists', 'var/cache/apt/archives', 'root/.npm', 'build', 'out', 'tmp']) {
        assert.deepEqual(await listFolder(join(root, path)), [], path);
      }
      const programs = (await listFolder(join(root, 'usr/local/bin'))).map(({path}) => path);
      assert.deepEqual(
        programs.filter(name => ['npm', 'npx', 'corepack', 'tsc'].includes(name)),
        [],
      );
      assert.equal(programs.includes('telegraf'), telegraf);
      for (const name of ['haproxy-kontrol', 'supervisorctl']) assert.ok(programs.includes(name), name);
    });

    test('its configuration -> the promised user, ports, signal, health check and labels', async () => {
      const [{Config, Healthcheck}] = JSON.parse(await podman('image', 'inspect', image));
      assert.equal(Config.User ?? '', user);
      assert.equal(Config.WorkingDir, folder);
      assert.deepEqual(Object.keys(Config.ExposedPorts).sort(), ['443/tcp', '80/tcp', '8000/tcp', '8001/tcp']);
      assert.ok(['SIGTERM', '15', undefined].includes(Config.StopSignal));
      assert.deepEqual(Config.Cmd, ['run']);
      assert.match(Config.Entrypoint.join(' '), /\/tini -s -- haproxy-kontrol$/);
      assert.ok(Config.Env.includes('KONTROL_MODE=master,slave'));
      assert.match(Healthcheck.Test.join(' '), /healthcheck\.js/);
      assert.equal(Config.Labels['org.opencontainers.image.licenses'], 'MIT');
    });
  });
}

const listFile = async (root: string, path: string) =>
  (await listFolder(join(root, path, '..'))).filter(entry => path.endsWith(`/${entry.path}`));

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
