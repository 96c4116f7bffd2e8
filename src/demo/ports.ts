import {once} from 'node:events';
import {type AddressInfo, createServer} from 'node:net';

/** Whether `port` can be bound on `host` right now; 0 finds any that can. The port, or undefined. */
async function probePort(host: string, port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}

/** The port people expect, where it is free on `host`; else any free one. */
export const choosePort = async (host: string, wanted: number): Promise<number> =>
  (await probePort(host, wanted)) ?? (await probePort(host, 0)) ?? wanted;
