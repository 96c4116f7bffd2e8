import assert from 'node:assert/strict';
import {existsSync, readdirSync} from 'node:fs';
import {test} from 'node:test';
import {fastify} from 'fastify';
import {PAGE} from '../../src/dashboard/page.ts';
import {serveDashboard} from '../../src/dashboard/serve.ts';
import {STYLE} from '../../src/dashboard/style.ts';

const app = fastify();
serveDashboard(app);

test('page -> served with a policy that lets nothing in from outside, nor inline', async () => {
  const answer = await app.inject('/');
  const policy = String(answer.headers['content-security-policy']);
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  assert.match(policy, /frame-ancestors 'none'/);
});

test('page and style -> no outside resource, no inline script, no inline style', () => {
  assert.doesNotMatch(PAGE + STYLE, /https?:|\/\/[a-z]|@import|url\(/);
  assert.doesNotMatch(PAGE, /<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=/);
});

test('page, served under a prefix (kubectl proxy) -> every address is relative', () => {
  for (const [, address = ''] of PAGE.matchAll(/(?:href|src)="([^"]*)"/g)) assert.doesNotMatch(address, /^\//);
});

test('parts that the page and its scripts name -> all there; nothing else is', async () => {
  const client = new URL('../../dist/dashboard/client/', import.meta.url);
  const named = [...PAGE.matchAll(/dashboard\/([\w.-]+)/g)].map(([, file = '']) => file);
  for (const file of [...named, ...readdirSync(client)]) {
    const answer = await app.inject(`/dashboard/${file}`);
    assert.equal(answer.statusCode, 200, file);
    assert.match(String(answer.headers['content-type']), file.endsWith('.css') ? /^text\/css/ : /^text\/javascript/);
  }
  for (const file of ['serve.js', '..%2fserve.js', '%2e%2e%2fpage.js', 'x']) {
    assert.equal((await app.inject(`/dashboard/${file}`)).statusCode, 404, file);
  }
  assert.ok(existsSync(client));
});
