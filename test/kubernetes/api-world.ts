import type {ApiServer} from './apiserver.ts';
import {openNamespace} from './cluster.ts';
import {openFaultProxy} from './fault-proxy.ts';
import type {PodSource} from './pod-world.ts';
import {LABELS, PATIENCE_MS} from './served.ts';

const POD = 'haproxy-1';
const IP = '10.9.0.1';

/** Pods in a real API server, each in a namespace of its own with the shipped Role, seen through a proxy that can fail. */
export const createApiSource = (server: () => ApiServer): PodSource => ({
  name: 'api',
  says: {
    incomplete: /cannot learn its IP \(status\.podIP\) of pod test-\d+\/haproxy-1 within 3 s/,
    noCertificate: /403/,
    lostCertificate: /there is no Secret secret-a/,
    noServices: /endpoints of web: 403/,
  },
  node: 'forbidden',
  async open({annotations, labels = LABELS, isIncomplete = false, permits}) {
    const api = server();
    const space = await openNamespace(api, {with: permits === undefined ? [] : ['components/tls/rbac.yaml']});
    const proxy = await openFaultProxy(api);
    await space.createPod(POD, {labels, annotations, ...(!isIncomplete && {ip: IP})});
    return {
      env: space.environment(POD, proxy.port),
      annotate: changes => space.annotate(POD, changes),
      complete: () => space.setPodStatus(POD, {podIP: IP, podIPs: [{ip: IP}]}),
      async setCertificate(files) {
        if (files === null) await api.admin('DELETE', `${space.path}/secrets/secret-a`);
        else await space.setSecret('secret-a', files);
      },
      async fail(daemon) {
        proxy.become('error');
        const isNoticed = (state: string | undefined) => state === 'failing';
        await daemon.waitFor(
          ({kubernetes}) => isNoticed(kubernetes?.pod.watch?.state),
          'a failing watch of the pod',
          PATIENCE_MS,
        );
      },
      async mend() {
        proxy.become('honest');
      },
      isTold: async (_daemon, wanted) => (await space.eventsOf(POD)).some(({reason}) => reason === wanted),
      [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
    };
  },
});
