import assert from 'node:assert/strict';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import type {Page} from 'playwright-core';
import {ask} from '../../src/proxy/runtime.ts';
import {exchange, getSegments} from '../support/exchange.ts';
import {missing} from '../support/parts.ts';
import {type Browser, keepScreenshot, seriousFindings, startBrowser} from './browser.ts';
import {type Fleet, startFleet, TOKEN} from './fleet.ts';

const skip = missing('haproxy', 'chromium');
const DESKTOP = {width: 1400, height: 900};
const SIZES = [
  [360, 'light'],
  [1440, 'dark'],
] as const;
const WIDTHS = [1440, 768, 360] as const;
const SCHEMES = ['dark', 'light'] as const;

/** Waits until an element with this text is to be seen. */
const see = (page: Page, selector: string, text: string | RegExp) =>
  page.locator(selector).filter({hasText: text}).first().waitFor({timeout: 60_000});

describe('dashboard in a real browser', {skip, timeout: 600_000}, () => {
  test('join, leave, a refused configuration, a rollback and its release -> seen live, without a reload', async () => {
    await using fleet = await startFleet({KONTROL_TTL: '300'});
    await using browser = await startBrowser();
    const {daemon} = fleet;
    const page = await browser.open(fleet.url, DESKTOP);
    await see(page, '#connection', 'live');
    await see(page, '#verdict', 'Serving, in sync');

    await daemon.ping({ip: '127.0.1.1', id: 'web-a'});
    await see(page, '#apps tr', 'web-a');
    await see(page, '.pass', /joined web 127\.0\.1\.1/);
    await page.locator('.pass summary').first().click();
    await see(page, '.diff .added', 'server web-1 127.0.1.1:80');

    await daemon.ping({ip: '127.0.1.1', id: 'web-a'}, {down: true});
    await see(page, '#members-none', /Everybody left: web-a of web was the last one, at .* \(down\)/);
    // Where nobody is, who left is what one wants to see.
    await see(page, '#departures tr', /web-a.*down/);
    await see(page, '.pass', /left web 127\.0\.1\.1/);
    // That everybody left is a problem of its own.
    await see(page, '#verdict', 'Needs attention');
    await daemon.ping({ip: '127.0.1.2', id: 'web-b'});
    await see(page, '#verdict', 'Serving, in sync');

    await fleet.writeTemplate('nonsense in this place');
    await see(page, '#problems li', /unknown keyword/);
    await see(page, '#verdict', 'Needs attention');
    await see(page, '.pass', 'failed');
    await fleet.writeTemplate('# today');
    await see(page, '#verdict', 'Serving, in sync');

    page.on('dialog', dialog => dialog.accept());
    await page.locator('#token').fill(TOKEN);
    const first = page.locator('.pass').last();
    await first.locator('summary').click();
    await first.getByRole('button', {name: 'Roll back to the template of pass 1'}).click();
    await see(page, '#problems li', 'Rolled back to the template of pass 1');
    await see(page, '#outcome', /done/);
    assert.doesNotMatch((await daemon.get('/config'))?.body ?? '', /# today/);
    await page.locator('#problems').getByRole('button', {name: 'Release the rollback'}).click();
    await see(page, '#verdict', 'Serving, in sync');
    await daemon.waitFor(async () => /# today/.test((await daemon.get('/config'))?.body ?? ''), "today's template");
    assert.doesNotMatch(await page.content(), /hunter2/);
    assert.deepEqual(browser.complaints, []);
  });

  test('each state at three widths -> said in words, with what to do; accessible, kept as screenshots', async () => {
    await using browser = await startBrowser();
    let page: Page;
    {
      await using fleet = await startFleet({KONTROL_TTL: '300', KONTROL_DAMPER: '0.2'});
      page = await browser.open(fleet.url, DESKTOP);
      const {daemon, writeTemplate} = fleet;
      await daemon.ping({ip: '127.0.1.1', id: 'web-a'});
      await daemon.ping({ip: '127.0.1.2', id: 'web-b'});
      await see(page, '#apps tr', /web-b.*up: web\/web-2/);
      await knock(fleet, 40);
      await see(page, '#verdict', 'Serving, in sync');
      await see(page, '#identity', 'default/');
      assert.match(await page.title(), /^Serving, in sync - default\/\S+ - haproxy-kontrol$/);
      await see(page, '#legend-requests', /requests\/s [\d.]+/);
      await lookAtState(page, 'good');

      await writeTemplate('nonsense in this place');
      await see(page, '#problems button', /Go back to pass \d+/);
      await see(page, '.pass .cause', /unknown keyword/);
      await lookAtState(page, 'refused');
      await writeTemplate('');
      await see(page, '#verdict', 'Serving, in sync');

      await ask(join(daemon.dataFolder, 'haproxy.sock'), 'set server web/web-2 state drain', {timeoutMs: 5000});
      await see(page, '#apps tr', /web-b.*out of service: web\/web-2 DRAIN/);
      await see(page, '#problems button', 'Reconfigure now');
      await lookAtState(page, 'drained');

      await writeTemplate('', 'check inter 200 fall 1');
      await see(page, '#apps tr', /web-b.*down: web\/web-2 DOWN: L4CON.*Connection refused/);
      await see(page, '#problems li', 'No server of backend web is up');
      await see(page, '#apps .late', '2 down');
      await see(page, '#problems a', 'See the members');
      await see(page, '#tiles [data-tone=bad]', 'Members2');
      await lookAtState(page, 'all-down');

      for (const [ip, id] of [
        ['127.0.1.1', 'web-a'],
        ['127.0.1.2', 'web-b'],
      ] as const) {
        await daemon.ping({ip, id}, {down: true});
      }
      await see(page, '#problems li', 'Nobody is left to serve');
      await see(page, '#members-none', 'Everybody left');
      await see(page, '#problems a', 'See who left');
      await see(page, '#departures tr', 'web-b');
      await lookAtState(page, 'nobody-left');
      assert.deepEqual(browser.complaints, []);
    }
    await see(page, '#verdict', /Unknown since .*: the connection is lost/);
    assert.match(await page.title(), /^Unknown - /);
    await lookAtState(page, 'disconnected');
  });

  test('1,000 members, wide and narrow, light and dark -> readable, accessible, kept as screenshots', async () => {
    await using fleet = await startFleet({KONTROL_TTL: '120', KONTROL_DAMPER: '3'});
    await using browser = await startBrowser();
    await fill(fleet, 1000);
    await knock(fleet, 60);
    const page = await browser.open(fleet.url, DESKTOP);
    await see(page, '#members-count', '1000');
    await see(page, '#traffic-now', 'requests/s');
    await page.locator('.pass summary').first().click();
    for (const [width, scheme] of SIZES) await lookAt(page, width, scheme);

    await page.setViewportSize(DESKTOP);
    await page.keyboard.press('/');
    await page.keyboard.type('127.0.2.17');
    await see(page, '#members-count', '11 of 1000');
    assert.equal(await page.locator('#apps tbody tr').count(), 11);
    await page.keyboard.press('Tab');
    await page.locator('#apps button').first().focus();
    await page.keyboard.press('Enter');
    await see(page, '#moments li', 'first ping');
    assert.deepEqual(await seriousFindings(page), []);
    await keepScreenshot(page, 'timeline', false);
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#timeline').evaluate(dialog => (dialog as {open?: boolean}).open), false);

    await page.locator('#filter').fill('');
    await page.locator('#apps summary').first().click();
    await see(page, '#apps tbody tr', '127.0.');
    assert.deepEqual(browser.complaints, []);
  });

  test('a daemon that goes away -> the page says that it is old; one that is silent -> as well, and it tries again', async () => {
    await using browser = await startBrowser();
    let page: Page;
    {
      await using fleet = await startFleet();
      page = await browser.open(fleet.url, DESKTOP);
      await see(page, '#connection', 'live');
      // A network that swallows everything ends no connection: the page finds out by itself, and looks for another way.
      await page.route('**/events', route => route.abort());
      await page.evaluate('const {now} = Date; Date.now = () => now() + 3600_000');
      await see(page, '#verdict', /Unknown since/);
      await page.unroute('**/events');
      await see(page, '#connection', 'live');
    }
    await see(page, '#connection', 'connection lost');
  });

  test('hostile names in every place -> shown as they are, nothing runs, nothing is loaded', async () => {
    await using fleet = await startFleet();
    await using browser = await startBrowser();
    await serveHostile(browser, fleet);
    const page = await browser.open(fleet.url, DESKTOP);
    await see(page, '.app-name', HOSTILE);
    await see(page, '.pass .cause', HOSTILE);
    await page.locator('.pass summary').first().click();
    await see(page, '.pass-body', HOSTILE);
    await see(page, '#problems', HOSTILE);
    // Silent and held: no green bar.
    assert.equal(await page.locator('.app progress').getAttribute('data-tone'), 'notice');
    await see(page, '.app .late', '1 silent, held');
    await see(page, '.app .late', '1 in quarantine');
    await see(page, '#apps tr', `in quarantine, served not at all: ${HOSTILE}`);
    assert.equal(
      await page.locator('#apps tbody td[title]').getAttribute('title'),
      `${HOSTILE}, role ${HOSTILE}, seq 1`,
    );
    await page.locator('#gone summary').click();
    await see(page, '#departures', `${HOSTILE}: ${HOSTILE}`);
    await page.locator('#apps tbody button').click();
    await see(page, '#timeline-ip', HOSTILE);
    await see(page, '#moments', `${HOSTILE} ${HOSTILE}, pass 1`);
    await see(page, '#timeline-servers', HOSTILE);
    assert.equal(await page.locator('img, iframe, main script').count(), 0);
    assert.equal(await page.evaluate('window.hacked'), undefined);
    assert.deepEqual(browser.complaints, []);
  });
});

async function lookAt(page: Page, width: number, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.setViewportSize({width, height: 900});
  await page.emulateMedia({colorScheme});
  assert.deepEqual(await seriousFindings(page), [], `${width} ${colorScheme}`);
  const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  assert.ok(Number(overflow) <= 0, `at ${width} px the page is ${overflow} px too wide`);
  await keepScreenshot(page, `members-${width}-${colorScheme}`);
}

/** At all widths and in both themes: nothing that hinders, nothing beyond the edge, the screenshots kept. */
async function lookAtState(page: Page, state: string): Promise<void> {
  for (const width of WIDTHS) {
    await page.setViewportSize({width, height: 900});
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    assert.ok(Number(overflow) <= 0, `${state}: at ${width} px the page is ${overflow} px too wide`);
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({colorScheme});
      if (width !== 768 || state === 'drained') {
        assert.deepEqual(await seriousFindings(page), [], `${state} ${width} ${colorScheme}`);
      }
      await keepScreenshot(page, `${state}-${width}-${colorScheme}`);
    }
  }
}

/** Requests that HAProxy refuses by itself: something for the charts. */
async function knock({port}: Fleet, count: number): Promise<void> {
  const segments = getSegments('/denied', 'localhost');
  for (let sent = 0; sent < count; sent += 1) {
    await exchange({host: '127.0.0.1', port, segments, timeoutMs: 5000});
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** Members of ten apps, without waiting for each. */
async function fill({daemon}: Fleet, count: number): Promise<void> {
  const addresses = Array.from({length: count}, (_, index) => `127.0.${1 + Math.floor(index / 250)}.${index % 250}`);
  for (let from = 0; from < count; from += 50) {
    await Promise.all(
      addresses.slice(from, from + 50).map((ip, index) => daemon.ping({ip, app: `app-${index % 10}`, id: `pod-${ip}`})),
    );
  }
  await daemon.waitFor(({memberCount, inSync}) => memberCount === count && inSync, `${count} members`, 90_000);
}

const HOSTILE = `<img src=x onerror="window.hacked=1"></td><script>window.hacked=1</script>"'&`;

/** The parsers let no such name in; should one ever come through, the page must still hold. */
async function serveHostile({context}: Browser, {daemon}: Fleet): Promise<void> {
  const status = {
    ...(await daemon.status()),
    problems: [
      {kind: HOSTILE, subject: HOSTILE, severity: 'bad', what: HOSTILE, why: HOSTILE, todo: HOSTILE, sinceAt: 0},
    ],
  };
  const check = {result: HOSTILE, reason: HOSTILE};
  const server = {backend: HOSTILE, server: HOSTILE, address: HOSTILE, state: 'down', status: HOSTILE, check};
  const member = {
    ...{app: HOSTILE, id: HOSTILE, ip: HOSTILE, role: HOSTILE, seq: 1, firstSeenAt: 0, lastSeenAt: 0, expiresInMs: 1},
    ...{proxyState: 'down', servers: [server], held: true},
    quarantine: {reason: HOSTILE, sinceAt: 0, served: 'not at all'},
  };
  const pod = {app: HOSTILE, ip: HOSTILE, id: HOSTILE, why: HOSTILE};
  const [pass] = JSON.parse((await daemon.get('/history?limit=1'))?.body ?? '[]');
  const hostilePass = {
    ...pass,
    cause: HOSTILE,
    error: HOSTILE,
    joined: {pods: [pod], more: 0},
    difference: {added: 1, removed: 0, text: `+${HOSTILE}\n`, tooLarge: false},
  };
  const events = [
    ['status', status],
    ['members', {all: true, changed: [member], gone: []}],
  ].map(([name, value]) => `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`);
  await context.route('**/events', route =>
    route.fulfill({status: 200, contentType: 'text/event-stream', body: events.join('')}),
  );
  await context.route('**/history', route => route.fulfill({json: [hostilePass]}));
  const moment = {at: 0, what: HOSTILE, app: HOSTILE, id: HOSTILE, pass: 1, reason: HOSTILE};
  await context.route('**/timeline', route =>
    route.fulfill({json: {ip: HOSTILE, gone: false, moments: [moment], member}}),
  );
  await context.route('**/members/gone', route => route.fulfill({json: [{...moment, ip: HOSTILE, why: HOSTILE}]}));
}
