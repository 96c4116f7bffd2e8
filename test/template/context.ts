/** The variables of a real pod, awkward names included; hosts sorted as they reach a template. */
export const CONTEXT = {
  hosts: {
    '10': ['10.2.9.1'],
    api: ['10.2.1.1', '10.2.1.2'],
    cache: [],
    items: ['10.2.3.1'],
    length: ['10.2.4.1'],
    web: ['10.2.0.17', '10.2.0.4', '10.2.0.9'],
  },
  pods: [
    {
      app: 'web',
      id: 'web-1',
      ip: '10.2.0.17',
      key: 'bmviV',
      role: 'frontend',
      seq: 1,
      payload: {weight: 10, tags: ['a']},
    },
    {app: 'web', id: 'web-2', ip: '10.2.0.4', key: 'bmviI', role: 'frontend', seq: 2, payload: ''},
    {app: 'api', id: 'api-1', ip: '10.2.1.1', key: 'bmvmf', role: 'backend', seq: 3, payload: {weight: 20}},
    {app: 'api', id: 'api-2', ip: '10.2.1.2', key: 'bmvmg', role: 'Backend', seq: 4, payload: null},
    {app: 'web', id: 'web-3', ip: '10.2.0.9', key: 'bmviN', role: 'frontend', seq: 5, payload: [1, 2.5, true, 'é<&>']},
  ],
  node: {labels: {'kubernetes.io/hostname': 'node-7', 'unity3d.com/array': 'front'}, annotations: {}},
  labels: {app: 'haproxy', role: 'balancer', tier: 'traffic', 'app.kubernetes.io/name': 'proxy'},
  annotations: {'example.info/timeout': '30s', 'kontrol.unity3d.com/master': 'haproxy.default.svc'},
  env: {KONTROL_DAMPER: '10', KONTROL_MAXCONN: '8192'},
  certs: {default: '/data/certs/default.pem'},
} as const;
