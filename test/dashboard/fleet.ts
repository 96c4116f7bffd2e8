import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {replaceFile} from '../support/replace-file.ts';
import {makeTemporaryFolder} from './temporary-folder.ts';

export const TOKEN = 'open-sesame';

/** A daemon whose template a test may change, with the token of its operators. */
export interface Fleet extends AsyncDisposable {
  readonly daemon: Daemon;
  /** Where its one frontend listens. */
  readonly port: number;
  readonly url: string;
  /** Replaces the template; `lines` go behind the frontend, `options` behind each server. */
  writeTemplate(lines: string, options?: string): Promise<void>;
}

const templateOf = (port: number, lines: string, options = ''): string => `
global
  stats timeout 30s
defaults
  log global
  option httplog
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 1s
userlist operators
  user admin insecure-password hunter2
frontend proxy
  bind 127.0.0.1:${port}
  http-request deny if { path /denied }
  default_backend web
${lines}
backend web
{%- for key in hosts %}{% for ip in hosts[key] %}
  server {{key}}-{{loop.index}} {{ip}}:80 ${options}
{%- endfor %}{% endfor %}
`;

/** Starts it on loopback; it serves when this resolves. */
export async function startFleet(env: Readonly<Record<string, string>> = {}): Promise<Fleet> {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await makeTemporaryFolder());
  const port = await freePort();
  const template = join(folder.path, 'haproxy.j2');
  const writeTemplate = (lines: string, options?: string) => replaceFile(template, templateOf(port, lines, options));
  await writeTemplate('');
  await writeFile(join(folder.path, 'token'), `${TOKEN}\n`);
  const daemon = opening.use(
    await startDaemon({
      template,
      env: {KONTROL_WARMUP: '0', KONTROL_TOKEN_FILE: join(folder.path, 'token'), ...env},
    }),
  );
  await daemon.waitFor(({inSync, ready}) => inSync && ready, 'a serving daemon', 30_000);
  const closing = opening.move();
  return {
    daemon,
    port,
    url: `http://127.0.0.1:${daemon.statusPort}/`,
    writeTemplate,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
