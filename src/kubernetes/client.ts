import {readFile} from 'node:fs/promises';
import type {KubeConfig} from '@kubernetes/client-node';
// Its entry loads the models of all that Kubernetes has: 65 MB and a second, for what is not used here.
import {HttpMethod, IsomorphicFetchHttpLibrary, RequestContext} from '@kubernetes/client-node/dist/gen/http/http.js';
import {Watch} from '@kubernetes/client-node/dist/watch.js';
import {Agent} from 'undici';
import type {ApiAccess} from './api.ts';

/** Load balancers cut connections that are silent for 60 s: as the client's own configuration does, and kubectl. */
const PROBE_AFTER_MS = 30_000;

/** One connection to the API, as whoever the credentials say, for one request or one watch. */
export interface Connection extends Disposable {
  readonly watch: Watch;
  context(method: keyof typeof HttpMethod, path: string): Promise<RequestContext>;
  send(context: RequestContext): Promise<{readonly status: number; readonly text: string}>;
}

const http = new IsomorphicFetchHttpLibrary();

/** Reads the token and the CA, and opens nothing yet. Rejects when either cannot be read. */
export async function openConnection({server, credentials}: ApiAccess): Promise<Connection> {
  const [token, ca] = await Promise.all(['token', 'ca.crt'].map(file => readFile(`${credentials}/${file}`, 'utf8')));
  const agent = new Agent({connect: {ca, keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS}});
  const applySecurityAuthentication = async (context: RequestContext) => {
    context.setHeaderParam('Authorization', `Bearer ${token}`);
    context.setDispatcher(agent);
  };
  // All that a watch asks of a configuration.
  const configuration = {getCurrentCluster: () => ({server}), applySecurityAuthentication};
  return {
    watch: new Watch(configuration as unknown as KubeConfig),
    async context(method, path) {
      const context = new RequestContext(`${server}${path}`, HttpMethod[method]);
      await applySecurityAuthentication(context);
      return context;
    },
    async send(context) {
      const {httpStatusCode, body} = await http.send(context).toPromise();
      return {status: httpStatusCode, text: await body.text()};
    },
    [Symbol.dispose]: () => void agent.destroy(),
  };
}
