import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {findNamedFiles} from '../../src/proxy/named-files.ts';

describe('files that HAProxy reads for a text', () => {
  for (const [line, files] of [
    ['acl bad src -f /etc/bad.lst -f /etc/worse.lst', ['/etc/bad.lst', '/etc/worse.lst']],
    ['http-request deny if { path -i -f "/etc/with quotes.lst" }', ['/etc/with']],
    ['use_backend %[req.hdr(host),lower,map_dom(/etc/hosts.map,web)]', ['/etc/hosts.map']],
    ['http-request set-header x %[src,map_ip(/etc/ip.map)]', ['/etc/ip.map']],
    ['errorfile 503 /etc/503.http', ['/etc/503.http']],
    ['http-request return status 200 content-type text/html file /etc/page.html', ['/etc/page.html']],
    ['http-request return status 200 lf-file /etc/page.html if { path / }', ['/etc/page.html']],
    ['http-error status 503 errorfile /etc/503.http', ['/etc/503.http']],
    ['lua-load /etc/x.lua a b', ['/etc/x.lua']],
    ['filter spoe engine e config /etc/spoe.cfg', ['/etc/spoe.cfg']],
    ['acl bad src -f relative.lst', []],
    ['server-state-file /var/state', []],
    ['pidfile /run/x.pid', []],
    ['bind :443 ssl crt /etc/x.pem ca-file /etc/ca.pem', []],
    ['server s1 10.0.0.1:80 check', []],
  ] as const) {
    test(`${line} -> ${files.join(', ') || 'none'}`, () => assert.deepEqual([...findNamedFiles(line)], files));
  }
});
