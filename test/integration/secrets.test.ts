import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {connect} from 'node:net';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {acceptedSecrets} from '../proxy/accepted-secrets.ts';
import {headOf, SECRET_LINES} from '../proxy/secret-lines.ts';
import {openFolder} from '../support/folder.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {type Served, startServed} from '../support/served.ts';
import {waitFor} from '../support/wait.ts';

const SECRET = 'hunter2Xyzzy';
const TOKEN = 'open-sesame';

/** Credentials in places that every HAProxy takes them in. */
const withSecrets = ({template, podPort}: Pick<Served, 'template' | 'podPort'>): string =>
  `{% set db_password = '${SECRET}4' %}
global
  setenv ADMIN_PW ${SECRET}1
userlist people
  user bob insecure-password ${SECRET}2
${template}
  stats auth admin:${SECRET}3
  http-request set-header X-Api-Key "${SECRET}5"
{% for member in pods if member.payload.password %}
  stats auth pod:{{ member.payload.password }}
{% endfor %}
backend checked
  option tcp-check
  tcp-check send "GET / HTTP/1.0\\r\\n\\r\\n"
  tcp-check expect string ${SECRET}a
{% for ip in hosts.web %}
  server checked{{ loop.index }} {{ ip }}:${podPort} check inter 100ms
{% endfor %}
`;

/** Templates that break in ways which make Jinja, HAProxy or us quote what is beside the fault. */
const BROKEN: Readonly<Record<string, (template: string) => string>> = {
  'a header without quotes': text => `${text}  http-request set-header X-Api-Key my ${SECRET}6\n`,
  'a quote that is not closed': text => `${text}  http-request set-header Authorization "Basic ${SECRET}7\n`,
  'a password of a user mistyped': text => `${text}userlist more\n  user eve passwd ${SECRET}8\n`,
  'a keyword mistyped': text => `${text}  stats auht admin:${SECRET}9\n`,
  'Jinja that fails beside a password': text => `${text}  stats auth x:${SECRET}0\n  {{ hosts.web. }}\n`,
};

/** Ways to break any line; none of them is valid in any section. */
const BREAKS: readonly ((line: string) => string)[] = [
  line => `${line} "`,
  line => line.replace(/^(\w)(\w)/, '$2$1'),
  line => line.replace(/^\S+/, SECRET),
  () => `${SECRET} ${SECRET}`,
];

const SEED = Number(process.env.KONTROL_SEED ?? 1);
/** Each takes some seconds. */
const DRAWN = Number(process.env.KONTROL_BROKEN ?? 4);

/** Lines with a credential, drawn and broken, by what they are. */
function drawBroken(): Record<string, (template: string) => string> {
  const lines = Object.entries(SECRET_LINES).flatMap(([section, all]) =>
    all.filter(line => !line.startsWith('#')).map(line => ({section, line})),
  );
  const drawn = Array.from({length: DRAWN}, (_, draw) => {
    const {section, line} = lines[(SEED * 31 + draw * 17) % lines.length] ?? assert.fail();
    const broken = (BREAKS[draw % BREAKS.length] ?? assert.fail())(line).replaceAll('§', SECRET);
    return [broken, (text: string) => `${text}${headOf(section).replace(/ s$/, ' drawn')}\n  ${broken}\n`] as const;
  });
  return Object.fromEntries(drawn);
}

/** What the control socket answers to a command. */
async function askControl(path: string, command: string): Promise<string> {
  const socket = connect({path, allowHalfOpen: true}).setEncoding('utf8');
  socket.end(command);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

describe('secrets of a configuration', {skip: missing('haproxy'), timeout: 180_000}, () => {
  test('valid and broken texts -> no endpoint, event or log line tells one; with the token the text is as it is', async () => {
    await using folder = await openFolder();
    const tokenFile = join(folder.path, 'token');
    writeFileSync(tokenFile, TOKEN);
    await using served = await startServed({
      KONTROL_WARMUP: '0',
      KONTROL_TOKEN_FILE: tokenFile,
      KONTROL_LOG_LEVEL: 'debug',
    });
    const {daemon} = served;
    const address = `http://127.0.0.1:${daemon.statusPort}`;
    const events: string[] = [];
    const listening = new AbortController();
    const stream = await fetch(`${address}/events`, {signal: listening.signal});
    const listen = async () => {
      for await (const chunk of stream.body ?? []) events.push(Buffer.from(chunk).toString());
    };
    const listened = listen().catch(() => {});

    const accepted = acceptedSecrets(haproxyBinary, folder.path, SECRET);
    assert.ok(accepted.split(SECRET).length > 30, accepted);
    const good = withSecrets(served) + accepted;
    const teller = daemon.slave({ip: '127.0.9.2', payload: {password: `${SECRET}b`, note: 'seen'}});
    using _silenced = {[Symbol.dispose]: teller.silence};
    teller.run(500);
    await served.rewrite(good);
    await waitFor(async () => (await served.committed()).includes(`${SECRET}b`), 'the secrets in proxy.cfg');
    await daemon.waitFor(({inSync}) => inSync, 'the valid text applied');
    const seen: string[] = [];
    for (const [what, spoil] of Object.entries({...BROKEN, ...drawBroken()})) {
      await served.rewrite(spoil(good));
      await daemon.waitFor(({lastError}) => lastError !== null, what);
      const refused = await fetch(`${address}/reconfigure`, {
        method: 'POST',
        headers: {authorization: `Bearer ${TOKEN}`},
      });
      assert.equal(refused.status, 422);
      seen.push(await refused.text(), await askControl(join(daemon.dataFolder, 'sock'), '?WAIT configure\n'));
      assert.match(seen.at(-1) ?? '', /^KO ./, what);
      await served.rewrite(good);
      await daemon.waitFor(({inSync, lastError}) => inSync && lastError === null, `${what}, mended`);
    }

    const passes: {pass: number}[] = JSON.parse((await daemon.get('/history'))?.body ?? '[]');
    const last = passes[0]?.pass ?? 0;
    const checked = await waitFor(async () => {
      const members = (await daemon.get('/members'))?.body ?? '';
      return /did not match/.test(members) && members;
    }, 'the check of a server that tells what it looked for');
    assert.match(checked, /"payload":\{"note":"seen","password":"\*\*\*"\}/);
    const paths = [
      ...['/', '/status', '/members', '/members/gone', '/hosts', '/history', '/config', '/metrics', '/traffic'],
      ...['/openapi.json', '/logs?limit=1000', '/logs?kind=access', `/members/127.0.9.1/timeline`],
      ...passes.flatMap(({pass}) => [`/history/${pass}`, `/config?pass=${pass}`, `/config/diff?from=${pass}`]),
    ];
    for (const path of paths) {
      const body = (await daemon.get(path))?.body ?? '';
      assert.ok(!body.includes(SECRET), `${path}: ${body}`);
    }
    listening.abort();
    await listened;
    for (const said of [...seen, ...events, ...daemon.logs.map(line => JSON.stringify(line))]) {
      assert.ok(!said.includes(SECRET), said);
    }
    assert.ok(events.some(event => event.includes('event: pass')));

    assert.equal((await fetch(`${address}/config?reveal=1`)).status, 401);
    const revealed = await fetch(`${address}/config?pass=${last}&reveal=1`, {
      headers: {authorization: `Bearer ${TOKEN}`},
    });
    assert.equal(await revealed.text(), await readFile(join(daemon.dataFolder, 'proxy.cfg'), 'utf8'));
    await waitFor(
      () => daemon.logs.some(line => JSON.stringify(line).includes('operator reads a configuration with its secrets')),
      'the line that tells of it',
    );
  });
});
