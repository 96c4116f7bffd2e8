import assert from 'node:assert/strict';
import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {before, describe, test} from 'node:test';
import {isDeepStrictEqual} from 'node:util';
import {parse} from 'yaml';
import {openNamespaces} from '../support/namespaces.ts';
import {waitFor} from '../support/wait.ts';
import {CONFINED, startContainer} from './container.ts';
import {debianImage as image, imageSuite, untilBuilt} from './images.ts';
import {allowLowPorts, answersWith} from './network.ts';
import {podman, tryPodman} from './podman.ts';
import {temporaryFolder} from './temporary-folder.ts';

describe('the demo of docker/compose.yaml', imageSuite(), () => {
  before(untilBuilt);

  test('its proxy and one of its pods -> serves the pod, and lets it go when it stops', async () => {
    const {services, configs} = parse(await readFile(new URL('../../docker/compose.yaml', import.meta.url), 'utf8'), {
      merge: true,
    });
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'pod.js'), configs.pod.content);
    await writeFile(join(folder.path, 'template.cfg.j2'), configs.template.content);
    await using net = await openNamespaces();
    for (const place of [net.proxy, net.client]) allowLowPorts(place);
    const environment = {...services.proxy.environment, KONTROL_ETCD: ''};
    await using proxy = await startContainer({
      image,
      net,
      env: environment,
      options: [...CONFINED, `--volume=${folder.path}:/etc/kontrol:ro`],
    });
    await proxy.waitFor(status => status.proxy.state === 'RUNNING', 'a running proxy');

    const [program, ...entrypoint] = services['web-1'].entrypoint;
    const pod = await podman(
      ...['run', '--detach', '--read-only', '--cap-drop=ALL', '--hostname=web-1', `--add-host=haproxy:${net.proxy.ip}`],
      ...[`--network=ns:/run/netns/${net.client.namespace}`, `--volume=${folder.path}/pod.js:/opt/pod.js:ro`],
      ...[`--entrypoint=${program}`, image, ...entrypoint],
    );
    try {
      await proxy.waitFor(
        ({inSync, hosts}) => inSync && isDeepStrictEqual(hosts, {web: [net.client.ip]}),
        'the pod in the configuration',
      );
      assert.equal(await waitFor(() => answersWith(net), 'an answer'), 'web-1');
      await podman('stop', '--time=20', pod);
      await proxy.waitFor(({inSync, hosts}) => inSync && isDeepStrictEqual(hosts, {}), 'no pod in the configuration');
      assert.equal(await podman('wait', pod), '0');
    } finally {
      await tryPodman('rm', '--force', '--time=0', pod);
    }
  });
});
