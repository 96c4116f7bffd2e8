import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {runInNewContext} from 'node:vm';

const S = 1000;
const MINUTE = 60 * S;
const KIB = 1024;
const MIB = 1024 * KIB;

/** A text of a document, in which `#` stands for a number that the code has, and `@` for one in letters. */
type Figure = readonly [text: string, file: string, constant: string, unit?: number];

/** The bounds and times that documents name, and where the code has them: whoever changes one changes the other. */
const FIGURES: Readonly<Record<string, readonly Figure[]>> = {
  'docs/lifecycle.md': [
    ['a stop waits # s for them', 'src/lifecycle/machine.ts', 'FORCE_GRACE_MS', S],
    ['Linux takes # KiB a variable', 'src/lifecycle/variables.ts', 'MAX_ONE_BYTES', KIB],
    ['a line over # KiB comes in pieces', 'src/ports/lines.ts', 'MAX_LINE_CHARACTERS', KIB],
    ['and SIGKILL # s later', 'src/lifecycle/shell-block.ts', 'KILL_DELAY_MS', S],
    ['# ms after a newline', 'src/lifecycle/control-socket.ts', 'AFTER_NEWLINE_MS'],
    ['(# variables,', 'src/lifecycle/variables.ts', 'MAX_VARIABLES'],
    [', # KiB in all)', 'src/lifecycle/variables.ts', 'MAX_TOTAL_BYTES', KIB],
    ['runs at a time, for # minutes at most', 'src/lifecycle/callback.ts', 'LIMIT_MS', MINUTE],
    ['JSON on its stdout (# MiB at most)', 'src/lifecycle/callback.ts', 'MAX_STATE_BYTES', MIB],
    ['the answer, # s,', 'src/http/script.ts', 'LIMIT_MS', S],
    ['s, # MiB, four at once', 'src/http/script.ts', 'MAX_OUTPUT_BYTES', MIB],
    [', @ at once', 'src/http/script.ts', 'MAX_AT_ONCE'],
    ['(port #, or `host:port`)', 'src/telegraf/configuration.ts', 'OPENTSDB_PORT'],
    ['control socket; # bytes at most', 'src/config/scripting.ts', 'MAX_SOCKET_BYTES'],
  ],
  'docs/reload.md': [
    ['asks HAProxy over its runtime socket every # s', 'src/reload/hang-watch.ts', 'PERIOD_MS', S],
    ['A silence of # s is a `bad` problem', 'src/reload/liveness.ts', 'NOTICED_SILENCE_MS', S],
    ['(it has @ times as long)', 'src/reload/liveness.ts', 'STARVED_PERIODS'],
    ['It is # where the text does not say it', 'src/reload/stage.ts', 'STATS_MAXCONN'],
    ['HAProxy is given # more', 'src/reload/stage.ts', 'OUR_CONNECTIONS'],
    ['one that still listens # s after SIGUSR1', 'src/reload/closing-listeners.ts', 'CLOSE_CAP_MS', S],
    ['(# s when it waits for a CPU)', 'src/reload/closing-listeners.ts', 'STARVED_CLOSE_CAP_MS', S],
  ],
  'docs/performance.md': [['is given # ms to end', 'src/reload/read-back.ts', 'CHECK_PATIENCE_MS']],
  'docs/kubernetes.md': [
    ['it is looked at again every # s', 'src/certs/mounted.ts', 'POLL_MS', S],
    ['its node read every @ minutes', 'src/kubernetes/own-pod.ts', 'NODE_PERIOD_MS', MINUTE],
  ],
  'docs/migration.md': [['one of more than # KiB', 'src/http/body.ts', 'BODY_LIMIT_BYTES', KIB]],
  'docs/architecture.md': [['After @ minutes only that counts', 'src/members/snapshot.ts', 'MAX_AGE_MS', MINUTE]],
  'docs/membership.md': [
    ['the body is over # KiB', 'src/http/body.ts', 'BODY_LIMIT_BYTES', KIB],
    ['at least @ members', 'src/members/guard.ts', 'MIN_LEAVING'],
    ['they stay for @ more TTLs', 'src/members/guard.ts', 'HOLD_TTLS'],
    ['suspended for over @ seconds', 'src/members/expiry.ts', 'PAUSE_MS', S],
    ['the file is older than @ minutes', 'src/members/snapshot.ts', 'MAX_AGE_MS', MINUTE],
  ],
  'docs/replicas.md': [
    ['for @ TTLs from then on', 'src/members/etcd/suspects.ts', 'SUSPENDED_TTLS'],
    ['The others notice after # s', 'src/fleet/fleet.ts', 'REPLICA_TTL_MS', S],
    ['after # s it records pings but answers 503', 'src/members/etcd/keep.ts', 'AWAY_MS', S],
    ['A replica waits # s at most', 'src/fleet/reload-lock.ts', 'MAX_WAIT_MS', S],
    ['may reload now | # s |', 'src/fleet/reload-lock.ts', 'LEASE_MS', S],
    ['is longer than # MiB', 'src/fleet/shared-template.ts', 'MAX_VALUE_BYTES', MIB],
    ['within # s (`--within', 'src/commands/fleet.ts', 'AGREEMENT_MS', S],
    ['is forgotten there after # s', 'src/members/etcd/replica.ts', 'DOWN_PATIENCE_MS', S],
    ['the port is # where', 'src/config/etcd.ts', 'DEFAULT_PORT'],
  ],
  'docs/metrics.md': [
    ['# values of `app`', 'src/metrics/metrics.ts', 'MAX_APPS'],
    ['(# s for frontends and backends)', 'src/proxy/traffic-sampler.ts', 'PERIOD_MS', S],
  ],
  'docs/operating.md': [
    ['The last # passes are kept', 'src/lifecycle/history.ts', 'MAX_ENTRIES'],
    ['as fit into # MiB', 'src/lifecycle/history.ts', 'MAX_KEPT_BYTES', MIB],
    ['a `beat` every # s', 'src/http/events.ts', 'HEARTBEAT_MS', S],
    ['that stays for # s is an Event', 'src/http/problem-log.ts', 'STAYS_MS', S],
    ['of # requests at least', 'src/proxy/error-shares.ts', 'MIN_REQUESTS'],
    ['all of @ or more', 'src/proxy/error-shares.ts', 'MIN_ALL_FAILED'],
    ['more than # % of the requests', 'src/proxy/error-shares.ts', 'MIN_GIVEN_UP_PERCENT'],
    ['has answered for # s, or three', 'src/proxy/unanswered.ts', 'PATIENCE_MS', S],
    ['# s where it has not answered yet', 'src/proxy/unanswered.ts', 'NEW_PATIENCE_MS', S],
    ['owes an answer for # s or more', 'src/reload/liveness.ts', 'NOTICED_SILENCE_MS', S],
    ['After each pass and every # s', 'src/proxy/drift-watch.ts', 'PERIOD_MS', S],
    ['more than # of them, what an agent is sent', 'src/proxy/drift-watch.ts', 'MANY_SERVERS'],
    ['the entries of such as have over #', 'src/proxy/pattern-lists.ts', 'MAX_ENTRIES'],
    ['or # MiB together', 'src/proxy/runtime.ts', 'SHORT_BYTES', MIB],
    ['at most every # s (every', 'src/proxy/server-reading.ts', 'FRESH_MS', S],
    ['(every # s with more', 'src/proxy/server-reading.ts', 'FRESH_MS_WITH_MANY', S],
    ['with more than # servers)', 'src/proxy/server-reading.ts', 'MANY_SERVERS'],
    ['a single check may take # s', 'src/proxy/check.ts', 'MIN_CHECK_LIMIT_MS', S],
    ['those lines in on port #,', 'src/proxy/access-log.ts', 'SYSLOG_PORT'],
    ['looked at every # s, where the daemon', 'src/reload/shared-binds.ts', 'PERIOD_MS', S],
    ['at most # times and', 'src/lifecycle/bad-pod-trials.ts', 'CHECKS.maxChecks'],
    ['times and # s (a single', 'src/lifecycle/bad-pod-trials.ts', 'CHECKS.maxMs', S],
    ['by at most # reloads', 'src/lifecycle/bad-pod-trials.ts', 'STARTS.maxChecks'],
    ['at most once in @ minutes', 'src/reload/generations-state.ts', 'TELL_AGAIN_MS', MINUTE],
    ['(@ minute later,', 'src/lifecycle/retry-times.ts', 'RETRY.firstMs', MINUTE],
    ['of backends with up to # servers', 'src/proxy/hanging-servers.ts', 'MAX_SERVERS'],
    ['none of their requests for # s (or', 'src/proxy/hanging-servers.ts', 'PATIENCE_MS', S],
    ['(or @ times as long as usual)', 'src/proxy/hanging-servers.ts', 'USUAL_TIMES'],
    ['for 10 s, or @ times as long', 'src/proxy/unanswered.ts', 'USUAL_TIMES'],
    ['| # % or more of the TLS handshakes', 'src/proxy/handshakes.ts', 'MIN_PERCENT'],
    ['fail, @ or more within the seconds', 'src/proxy/handshakes.ts', 'MIN_HANDSHAKES'],
    ['within @ minutes after they went well', 'src/proxy/handshakes.ts', 'OF_LATE_MS', MINUTE],
    ['as a limit allows, for # s;', 'src/proxy/troubles.ts', 'LASTS_MS.rate', S],
    ['over when it has not for # s', 'src/proxy/troubles.ts', 'HELD_MS', S],
    ['of the backend `subject` for # s |', 'src/proxy/troubles.ts', 'LASTS_MS.queue', S],
    ['What HAProxy counts is looked at every # s', 'src/proxy/traffic-sampler.ts', 'PERIOD_MS', S],
  ],
  'docs/templates.md': [
    ['`range` over #,', 'src/template/python/limits.ts', 'MAX_RANGE'],
    ['padding over # million', 'src/template/python/limits.ts', 'MAX_LENGTH', 1_000_000],
    ['integers over # bits', 'src/template/python/limits.ts', 'MAX_BITS'],
    ['# MiB of heap', 'src/template/render-process.ts', 'HEAP_MIB'],
    ['# MiB of output', 'src/template/jinja/run.ts', 'MAX_OUTPUT', MIB],
    ['in it # `bind` lines', 'src/template/engine.ts', 'MAX_BINDS'],
    ['lines and # lines', 'src/template/renderer.ts', 'MIN_MAX_LINES'],
    ['and # for each pod', 'src/template/renderer.ts', 'LINES_PER_POD'],
    ['A template has # MiB at most', 'src/http/status-actions.ts', 'TEMPLATE_LIMIT_BYTES', MIB],
  ],
  'docs/settings.md': [
    ['a regular file of # MiB at most', 'src/template/read-template.ts', 'MAX_TEMPLATE_BYTES', MIB],
    ['its path has # bytes at most', 'src/config/parse.ts', 'MAX_DATA_FOLDER_BYTES'],
    ['its pods, # to 64', 'src/lifecycle/spare-servers.ts', 'MIN_AUTO'],
    [' to #, where HAProxy is older', 'src/lifecycle/spare-servers.ts', 'MAX_AUTO'],
  ],
  'docs/permissions.md': [
    ['of # characters or more', 'src/members/token-file.ts', 'MIN_CHARACTERS'],
    ['read every @ minutes', 'src/kubernetes/own-pod.ts', 'NODE_PERIOD_MS', MINUTE],
  ],
};

const WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

/** What a constant of a file comes to, or a field of one: numbers and what is between them, never a name. */
function numberOf(file: string, constant: string): number {
  const [name, field] = constant.split('.');
  const text = new RegExp(`\\bconst ${name}(?:: [^=]+)? = (.*?);$`, 'ms').exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  const [, number] = (field === undefined ? /^(.*)$/s : new RegExp(`\\b${field}: (.*?)[,}]`)).exec(text) ?? [];
  assert.ok(number !== undefined && /^[\d_.* <+/()]+$/.test(number.trim()), `${file} has no number ${constant}`);
  return Number(runInNewContext(number));
}

describe('figures of the documents', () => {
  for (const [document, figures] of Object.entries(FIGURES)) {
    test(`${document} -> those of the code`, () => {
      const text = readFileSync(document, 'utf8').replaceAll(/\s+/g, ' ');
      const told = figures.map(([words, file, constant, unit = 1]) => {
        const number = numberOf(file, constant) / unit;
        const written = /\b(?:port|socket)\b/.test(words) ? String(number) : number.toLocaleString('en');
        return words.replace('#', written).replace('@', WORDS[number] ?? written);
      });
      assert.deepEqual(
        told.filter(words => !text.includes(words)),
        [],
      );
    });
  }
});
