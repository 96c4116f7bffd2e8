/** Where one proxy app's shared state lies in etcd. All values are JSON or a number; all may be read by people. */
export const keysOf = (namespace: string, app: string) => {
  const root = `/kontrol/${namespace}/${app}/`;
  return {
    /** One key per IP. */
    members: `${root}members/`,
    memberKey: (ip: string) => `${root}members/${ip}`,
    /** The highest number given so far. */
    seq: `${root}seq`,
    /** One key per run of a replica. */
    replicas: `${root}replicas/`,
    replicasOf: (id: string) => `${root}replicas/${id}.`,
    /** Held by the one replica that may reload now. */
    reloadLock: `${root}turn`,
    /** The last one that worked for any replica. */
    template: `${root}template`,
    /** What pods that are in quarantine for any replica said when they worked. */
    quarantine: `${root}quarantine`,
  } as const;
};

export type Keys = ReturnType<typeof keysOf>;
