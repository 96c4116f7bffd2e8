import assert from 'node:assert/strict';
import {cp, readdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {before, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {openNamespaces, podIps} from '../support/namespaces.ts';
import {createSlave} from '../support/slave.ts';
import {waitFor} from '../support/wait.ts';
import {fetchText} from '../support/web.ts';
import {CONFINED, startContainer, TEMPLATE} from './container.ts';
import {alpineImage, debianImage, imageSuite, untilBuilt} from './images.ts';
import {allowLowPorts, startBackendPods} from './network.ts';
import {temporaryFolder} from './temporary-folder.ts';

/** In the shape of those that pods of 2017 have: what their blocks call, and how they speak with the daemon. */
const MANIFESTS = fileURLToPath(new URL('../fixtures/manifests-2017/', import.meta.url));

const ANNOTATIONS = {
  'haproxy.unity3d.com/config': TEMPLATE.replace('*:80', '*:810N'),
  'haproxy.unity3d.com/route53': 'www.example.org,example.org',
  'kontrol.unity3d.com/opentsdb': 'tsdb.example.org',
};

/** A daemon for each, one after another: what differs between them is the digit in their ports and folders. */
const START = `
cd /etc/kontrol
for manifest in *.yml; do
  n=\${manifest%%-*}
  export KONTROL_LIFECYCLE=/etc/kontrol/$manifest KONTROL_DATA=/data/$n KONTROL_SOCKET=/data/$n/sock
  export KONTROL_PORT=801$n KONTROL_STATUS_PORT=802$n KONTROL_TELEGRAF_CONF=/data/$n/telegraf.conf
  export KONTROL_ANNOTATIONS="$(sed "s/810N/810$n/" annotations.json)"
  mkdir $KONTROL_DATA
  haproxy-kontrol run &
  until [ -S $KONTROL_SOCKET ]; do sleep 0.2; done
done
wait
`;

for (const image of [debianImage, alpineImage]) {
  describe(`manifests of 2017 in ${image}`, imageSuite(), () => {
    before(untilBuilt);

    test('python, jq and echo as it was, built in -> each serves a pod that pings', async () => {
      const names = (await readdir(MANIFESTS)).sort();
      assert.equal(names.length, 6);
      await using net = await openNamespaces();
      allowLowPorts(net.proxy);
      await using _backends = await startBackendPods(net);
      await using folder = await temporaryFolder();
      await cp(MANIFESTS, folder.path, {recursive: true});
      await writeFile(join(folder.path, 'annotations.json'), JSON.stringify(ANNOTATIONS));
      await writeFile(join(folder.path, 'start.sh'), START);
      await using container = await startContainer({
        image,
        net,
        env: {KONTROL_EIP: '203.0.113.9'},
        options: [
          ...CONFINED,
          `--volume=${folder.path}:/etc/kontrol:ro`,
          '--entrypoint=["sh", "/etc/kontrol/start.sh"]',
        ],
      });
      const host = net.proxy.ip;
      const [ip] = podIps;
      const answers = new Map<string, string>();
      const evidence = () => JSON.stringify([...answers]);
      const ping = (name: string) =>
        createSlave({master: {host, port: 8010 + Number(name[0])}, ip, place: net.client, localAddress: ip}).ping();
      /** A pod that pings, until it is served. */
      const look = async (name: string): Promise<boolean> => {
        await ping(name);
        const answer = await fetchText({host, port: 8100 + Number(name[0]), place: net.client});
        answers.set(name, answer);
        return answer === ip;
      };
      const unserved = new Set(names);
      try {
        await waitFor(
          async () => {
            for (const name of unserved) if (await look(name)) unserved.delete(name);
            return unserved.size === 0;
          },
          'an answer through each',
          {timeoutMs: 240_000, everyMs: 1000, evidence},
        );
      } catch (cause) {
        throw new Error(await container.logs(), {cause});
      }
      const records = () => container.exec('cat', '/data/4/records.json').catch(() => '');
      await waitFor(
        async () => /"www\.example\.org".*203\.0\.113\.9.*"example\.org"/s.test(await records()),
        'records',
        {timeoutMs: 120_000},
      );
    });
  });
}
