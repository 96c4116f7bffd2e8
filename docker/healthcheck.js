import {get} from 'node:http';

// Exits 0 when the daemon of this container says that it is ready, 1 otherwise. For HEALTHCHECK: no shell, no curl.
const port = /^\d+$/.test(process.env.KONTROL_STATUS_PORT ?? '') ? process.env.KONTROL_STATUS_PORT : 8001;
const request = get({host: '127.0.0.1', port, path: '/readyz', timeout: 2000, agent: false}, response =>
  process.exit(response.statusCode === 200 ? 0 : 1),
);
request.on('timeout', () => process.exit(1)).on('error', () => process.exit(1));
