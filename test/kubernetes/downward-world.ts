import {openVolume, podinfoOf} from './downward.ts';
import type {PodSource} from './pod-world.ts';
import {LABELS, see} from './served.ts';

/** What a pod without API access finds: no token, a volume, its address from the field reference. */
export const environmentOf = (downward: string): Record<string, string> => ({
  HOSTNAME: 'haproxy-1',
  NAMESPACE: 'prod',
  KONTROL_DOWNWARD: downward,
  KONTROL_SERVICEACCOUNT: '/nonexistent',
  KONTROL_IP: '10.9.0.1',
  KONTROL_LABELS: '',
  KONTROL_TEMPLATE: '',
});

const VERDICTS = {ConfigurationRefused: 'failed', Recovered: 'ok'} as const;

/** Pods without the API: a downward-API volume, and TLS Secrets mounted into a folder. */
export const downwardSource: PodSource = {
  name: 'downward',
  says: {
    incomplete:
      /cannot learn its annotation \S+\/config of pod prod\/haproxy-1 within 3 s: the volume \S+ does not say/,
    noCertificate: /not mounted, and the API is not used/,
    lostCertificate: /no longer mounted/,
    noServices: /services needs the Kubernetes API/,
  },
  node: null,
  async open({annotations, labels = LABELS, isIncomplete = false}) {
    let current: Readonly<Record<string, string>> = annotations;
    let isFailing = false;
    const files = () => podinfoOf(labels, current);
    const volume = await openVolume(isIncomplete ? podinfoOf(labels, {}) : files());
    const certs = await openVolume({});
    return {
      env: {...environmentOf(volume.path), KONTROL_CERTS: certs.path},
      async annotate(changes) {
        const kept = Object.entries({...current, ...changes}).filter(
          (entry): entry is [string, string] => entry[1] !== null,
        );
        current = Object.fromEntries(kept);
        if (!isFailing) await volume.write(files());
      },
      complete: () => volume.write(files()),
      async setCertificate(pair) {
        const mounted = Object.entries(pair ?? {}).map(([file, text]) => [`secret-a/${file}`, text]);
        await certs.write(Object.fromEntries(mounted));
      },
      async fail(daemon) {
        isFailing = true;
        await volume.write({labels: 'app="hap', annotations: 'nothing of the kind'});
        await see(daemon, async () => daemon.logs.some(({msg}) => /volume unreadable/.test(String(msg))), 'a warning');
        await volume.write({});
      },
      async mend() {
        isFailing = false;
        await volume.write(files());
      },
      async isTold(daemon, reason) {
        const answer = await daemon.get('/history?limit=1');
        const [last] = JSON.parse(answer?.body ?? '[]') as {verdict: string}[];
        return last?.verdict === VERDICTS[reason];
      },
      async [Symbol.asyncDispose]() {
        await volume[Symbol.asyncDispose]();
        await certs[Symbol.asyncDispose]();
      },
    };
  },
};
