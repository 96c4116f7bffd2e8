import type {AddressInfo} from 'node:net';
import {fastify} from 'fastify';

/** What a ping costs at least: fastify reads the JSON and answers. Prints its port. */
const app = fastify();
app.put('/ping', (_request, reply) => void reply.code(200).send());
await app.listen({port: 0, host: '::', backlog: 4096});
const {port} = app.server.address() as AddressInfo;
process.stdout.write(`${port}\n`);
