import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {traceReason} from '../../src/template/trace-reason.ts';

const FILE = '/data/run/5.cfg';

/** Line 57 of the text came from line 20 of the template, line 58 from nowhere. */
const told = (said: string, detail?: string) =>
  traceReason(new DaemonError('VALIDATE', `cannot validate ${FILE}: ${said}`, {detail}), {
    file: FILE,
    lineOf: line => ({57: 20, 12: 8})[line],
    showLine: line => `text of ${line}`,
  });

describe('a refusal', () => {
  const rows: Readonly<Record<string, readonly [said: string, message: string]>> = {
    '1.7': [
      `parsing [${FILE}:57] : unknown keyword 'x'`,
      `cannot validate the template: line 20: unknown keyword 'x' (rendered: "text of 57")`,
    ],
    '2.6 and later': [
      `config : parsing [${FILE}:57] : unknown keyword 'x'`,
      `cannot validate the template: line 20: unknown keyword 'x' (rendered: "text of 57")`,
    ],
    'of a server, on 2.6': [
      `config : [${FILE}:57] : 'server web/a' : no`,
      `cannot validate the template: line 20: 'server web/a' : no (rendered: "text of 57")`,
    ],
    'a second line': [
      `parsing [${FILE}:57] : 'a' was already defined at line 12, sorry`,
      `cannot validate the template: line 20: 'a' was already defined at line 8, sorry (rendered: "text of 57")`,
    ],
    'the file without brackets': [
      `Proxy 'a' declared at ${FILE}:57 is wrong`,
      `cannot validate the template: Proxy 'a' declared at line 20: is wrong (rendered: "text of 57")`,
    ],
    'a line of unknown origin': [
      `parsing [${FILE}:58] : no`,
      'cannot validate the template: rendered line 58: no (rendered: "text of 58")',
    ],
    'no line at all': ["Proxy 'f': no such backend", "cannot validate the template: Proxy 'f': no such backend"],
  };
  for (const [what, [said, message]] of Object.entries(rows)) {
    test(`${what} -> in terms of the template`, () => assert.equal(told(said).message, message));
  }

  test('a line of which all is hidden -> not told', () => {
    const fault = new DaemonError('VALIDATE', `cannot validate ${FILE}: parsing [${FILE}:57] : no`);
    const {message} = traceReason(fault, {file: FILE, lineOf: () => 20, showLine: () => '***'});
    assert.equal(message, 'cannot validate the template: line 20: no');
  });

  test('its detail -> likewise, with the rendered line below', () => {
    assert.equal(
      told('no', `[ALERT] (1) : parsing [${FILE}:57] : no`).detail,
      '[ALERT] (1) : parsing [template:20] : no\n    rendered line 57: text of 57',
    );
  });
});
