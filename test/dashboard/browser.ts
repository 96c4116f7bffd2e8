import {mkdir, mkdtemp, rm} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {type BrowserContext, chromium, type Page} from 'playwright-core';
import {chromiumBinary} from '../support/parts.ts';

/** Nothing may leave loopback: no update, no sync, no look at the network. */
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/** Where screenshots are kept as build artefacts. */
const ARTEFACTS = fileURLToPath(new URL('../../artefacts/dashboard/', import.meta.url));

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** A browser with a profile of its own, and everything its pages complained about. */
export interface Browser extends AsyncDisposable {
  readonly context: BrowserContext;
  /** Opens a page of this size; `complaints` collects its errors, refused resources and CSP violations. */
  open(url: string, size: {width: number; height: number}, scheme?: 'light' | 'dark'): Promise<Page>;
  readonly complaints: readonly string[];
}

export async function startBrowser(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'kontrol-browser-'));
  const context = await chromium.launchPersistentContext(profile, {executablePath: chromiumBinary, args: FLAGS});
  const complaints: string[] = [];
  return {
    context,
    complaints,
    async open(url, size, colorScheme = 'light') {
      const page = await context.newPage();
      page.on('pageerror', error => complaints.push(`error: ${error.message}`));
      page.on('console', message => {
        if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
      });
      await page.setViewportSize(size);
      await page.emulateMedia({colorScheme});
      await page.goto(url, {waitUntil: 'domcontentloaded'});
      return page;
    },
    async [Symbol.asyncDispose]() {
      await context.close();
      await rm(profile, {recursive: true, force: true});
    },
  };
}

/** Keeps what the page looks like, or what is seen of it without scrolling, as `artefacts/dashboard/<name>.png`. */
export async function keepScreenshot(page: Page, name: string, fullPage = true): Promise<void> {
  await mkdir(ARTEFACTS, {recursive: true});
  await page.screenshot({path: join(ARTEFACTS, `${name}.png`), fullPage});
}

/** axe-core's findings that are serious or critical, each with the elements it is about. */
export async function seriousFindings(page: Page): Promise<string[]> {
  // Evaluated, not added as a script: the page's policy would refuse that, and rightly.
  const source = await import('node:fs/promises').then(({readFile}) => readFile(AXE, 'utf8'));
  await page.evaluate(source);
  const findings = (await page.evaluate('axe.run()')) as {
    violations: {id: string; impact: string; help: string; nodes: {html: string}[]}[];
  };
  return findings.violations
    .filter(({impact}) => impact === 'serious' || impact === 'critical')
    .map(({id, help, nodes}) => `${id}: ${help}: ${nodes.map(({html}) => html).join(' ')}`);
}
