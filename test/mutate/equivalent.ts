/** A mutation that no test can see, since nothing that anybody may rely on changes. */
export interface Equivalent {
  readonly file: string;
  /** The line or lines, as `npm run mutate` shows them. */
  readonly was: string;
  readonly becomes: string;
  readonly why: string;
}

/** Each line of a table has as many cells as there are columns: the default is for the compiler. */
const NEVER_SHORT = 'no row is shorter than the head';

/** A part is read once all its bytes are there: the default is for the compiler. */
const NEVER_CUT = 'the byte is there';

/** `split` gives the same first part however many there may be. */
const FIRST_PART = 'only the first part is used';

const BOUND_OF_MEMORY = 'it bounds memory: nobody relies on the figure';

const HOW_OFTEN = 'how often the limits are looked at is no promise';

/** Long work is cut into steps by the number of entries. */
const WHICH_STEP = 'how long a step is counts, not where the first one ends';

const BOUND_OF_WAIT = 'it bounds a wait: nobody relies on the millisecond';

/** Requests, and whatever else is known by a number. */
const OWN_NUMBER = 'each has a number of its own, whichever it is';

/** It is looked for behind a name. */
const NOT_FIRST = 'it is not the first character';

/** An average time of an answer that makes nobody wait longer. */
const LESS_THAN_PATIENCE = 'nobody is waited for for less than ten seconds';

export const EQUIVALENT: readonly Equivalent[] = [
  {
    file: 'src/fleet/agreement.ts',
    was: 'const widths = HEAD.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]?.length ?? 0)));',
    becomes:
      'const widths = HEAD.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]?.length ?? 1)));',
    why: NEVER_SHORT,
  },
  {
    file: 'src/fleet/agreement.ts',
    was: '.map((cell, column) => cell.padEnd(widths[column] ?? 0))',
    becomes: '.map((cell, column) => cell.padEnd(widths[column] ?? 1))',
    why: NEVER_SHORT,
  },
  {
    file: 'src/fleet/record.ts',
    was: 'return [...latest.values()].sort((a, b) => (a.id < b.id ? -1 : 1));',
    becomes: 'return [...latest.values()].sort((a, b) => (a.id <= b.id ? -1 : 1));',
    why: 'there is one record for each id',
  },
  {
    file: 'src/fleet/reload-lock.ts',
    was: 'const POLL_MS = 150;',
    becomes: 'const POLL_MS = 151;',
    why: 'the pause is made random by half of it and more',
  },
  {
    file: 'src/fleet/reload-lock.ts',
    was: 'const MAX_WAIT_MS = 30_000;',
    becomes: 'const MAX_WAIT_MS = 30001;',
    why: 'the time is looked at after a pause of random length',
  },
  {
    file: 'src/fleet/reload-lock.ts',
    was: 'if (clock.nowMs() - startedMs > MAX_WAIT_MS) {',
    becomes: 'if (clock.nowMs() - startedMs >= MAX_WAIT_MS) {',
    why: 'the time is looked at after a pause of random length',
  },
  {
    file: 'src/fleet/shared-template.ts',
    was: 'return packed.length <= MAX_VALUE_BYTES ? packed : undefined;',
    becomes: 'return packed.length < MAX_VALUE_BYTES ? packed : undefined;',
    why: 'nobody can choose how long a packed text is, to the byte',
  },
  {
    file: 'src/http/events.ts',
    was: 'const MAX_UNREAD_BYTES = 8 << 20;',
    becomes: 'const MAX_UNREAD_BYTES = 9 << 20;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/http/events.ts',
    was: 'const MAX_UNREAD_BYTES = 8 << 20;',
    becomes: 'const MAX_UNREAD_BYTES = 8 << 21;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/http/events.ts',
    was: 'if (raw.writableLength > MAX_UNREAD_BYTES) raw.destroy();',
    becomes: 'if (raw.writableLength >= MAX_UNREAD_BYTES) raw.destroy();',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/http/master.ts',
    was: "const path = request.url.split('?', 1)[0] ?? '';",
    becomes: "const path = request.url.split('?', 2)[0] ?? '';",
    why: FIRST_PART,
  },
  {
    file: 'src/http/status.ts',
    was: "const path = request.url.split('?', 1)[0] ?? '';",
    becomes: "const path = request.url.split('?', 2)[0] ?? '';",
    why: FIRST_PART,
  },
  {
    file: 'src/http/status.ts',
    was: 'http: {connectionsCheckingInterval: 1000, headersTimeout: 5000},',
    becomes: 'http: {connectionsCheckingInterval: 1001, headersTimeout: 5000},',
    why: HOW_OFTEN,
  },
  {
    file: 'src/http/status.ts',
    was: 'const {statusCode = 500} = err;',
    becomes: 'const {statusCode = 501} = err;',
    why: 'all from 500 on are answered as 500',
  },
  {
    file: 'src/http/master.ts',
    was: 'const TIMEOUTS = {headersMs: 5000, requestMs: 10_000, keepAliveMs: 5000, silentMs: 15_000, checkEveryMs: 1000} as const;',
    becomes:
      'const TIMEOUTS = {headersMs: 5000, requestMs: 10_000, keepAliveMs: 5000, silentMs: 15_000, checkEveryMs: 1001} as const;',
    why: HOW_OFTEN,
  },
  {
    file: 'src/http/master.ts',
    was: "answer(reply, error.statusCode ?? 400, {error: 'bad request', reason: error.message});",
    becomes: "answer(reply, error.statusCode ?? 401, {error: 'bad request', reason: error.message});",
    why: "Fastify's own errors have a status",
  },
  {
    file: 'src/http/master.ts',
    was: "answer(reply, error.statusCode ?? 400, {error: 'bad request', reason: error.message});",
    becomes: "answer(reply, 400, {error: 'bad request', reason: error.message});",
    why: 'those that get here are 400',
  },
  {
    file: 'src/proxy/cut-secrets.ts',
    was: 'const BETWEEN_DOTS = QUOTED_LENGTH - 6;',
    becomes: 'const BETWEEN_DOTS = QUOTED_LENGTH - 7;',
    why: 'between dots HAProxy quotes 74 characters, never 73',
  },
  {
    file: 'src/proxy/cut-secrets.ts',
    was: 'const long = [...secrets].filter(({length}) => length >= SHORTEST);',
    becomes: 'const long = [...secrets].filter(({length}) => length > SHORTEST);',
    why: 'of so short a one the whole is there, and found as such',
  },
  {
    file: 'src/proxy/cut-secrets.ts',
    was: 'const longest = long.filter(({length}) => length >= BETWEEN_DOTS);',
    becomes: 'const longest = long.filter(({length}) => length > BETWEEN_DOTS);',
    why: 'of one that just fits the whole is there, and found as such',
  },
  {
    file: 'src/proxy/cut-secrets.ts',
    was: "const [line = ''] = text.slice(start, start + QUOTED_LENGTH).split(END_OF_LINE, 1);",
    becomes: "const [line = ''] = text.slice(start, start + QUOTED_LENGTH).split(END_OF_LINE, 2);",
    why: FIRST_PART,
  },
  {
    file: 'src/proxy/hide-secrets.ts',
    was: 'for (let at = 0; first.size > 0 && at < text.length; at += 1) {',
    becomes: 'for (let at = 0; first.size >= 0 && at < text.length; at += 1) {',
    why: 'no secret is found where there is none: it is spared for the time it takes',
  },
  {
    file: 'src/proxy/hide-secrets.ts',
    was: 'if (!first.has(text.charCodeAt(at))) continue;',
    becomes: '',
    why: 'no secret begins there: the look is spared for the time it takes',
  },
  {
    file: 'src/proxy/hide-secrets.ts',
    was: 'for (let at = 0; first.size > 0 && at < text.length; at += 1) {',
    becomes: 'for (let at = 0; first.size > 0 && at <= text.length; at += 1) {',
    why: 'there is no character behind the last one',
  },
  {
    file: 'src/proxy/hidden-parts.ts',
    was: 'if (comma < 0 || comma > end || isDeclared(written.slice(comma + 1, end))) return [];',
    becomes: 'if (comma <= 0 || comma > end || isDeclared(written.slice(comma + 1, end))) return [];',
    why: NOT_FIRST,
  },
  {
    file: 'src/proxy/hidden-parts.ts',
    was: 'if (comma < 0 || comma > end || isDeclared(written.slice(comma + 1, end))) return [];',
    becomes: 'if (comma < 1 || comma > end || isDeclared(written.slice(comma + 1, end))) return [];',
    why: NOT_FIRST,
  },
  {
    file: 'src/proxy/hidden-parts.ts',
    was: 'return [start + quote.length, closed < 0 ? written.length : closed];',
    becomes: 'return [start + quote.length, closed < 1 ? written.length : closed];',
    why: NOT_FIRST,
  },
  {
    file: 'src/proxy/known-secrets.ts',
    was: 'const secrets = learnt.get(text) ?? read(text);',
    becomes: 'const secrets = read(text);',
    why: 'the same text has the same secrets: it is read once for the time it takes',
  },
  {
    file: 'src/proxy/known-secrets.ts',
    was: "if (hideNow(line) === line && !line.includes('  ')) return line;",
    becomes: '',
    why: 'what is parsed and written again is the same line: it is spared for the time it takes',
  },
  {
    file: 'src/metrics/metrics.ts',
    was: 'const LAG_PRECISION_MS = 100;',
    becomes: 'const LAG_PRECISION_MS = 101;',
    why: 'how often the lag is sampled is a matter of cost: no figure says it',
  },
  {
    file: 'src/reload/generation.ts',
    was: "const CANDIDATE: Omit<JobSettings, 'readyWithinMs'> = {retries: 0, delayMs: () => 0, stableMs: 0};",
    becomes: "const CANDIDATE: Omit<JobSettings, 'readyWithinMs'> = {retries: 0, delayMs: () => 1, stableMs: 0};",
    why: 'one that has no other try waits for none',
  },
  {
    file: 'src/reload/generation.ts',
    was: "const CANDIDATE: Omit<JobSettings, 'readyWithinMs'> = {retries: 0, delayMs: () => 0, stableMs: 0};",
    becomes: "const CANDIDATE: Omit<JobSettings, 'readyWithinMs'> = {retries: 0, delayMs: () => 0, stableMs: 1};",
    why: 'one that has no other try counts no deaths',
  },
  {
    file: 'src/reload/generation.ts',
    was: 'delayMs: failures => RESTART_DELAYS_MS[failures - 1] ?? 0,',
    becomes: 'delayMs: failures => RESTART_DELAYS_MS[failures - 1] ?? 1,',
    why: 'there are as many delays as tries',
  },
  {
    file: 'src/reload/generation.ts',
    was: "{signal: 'SIGKILL', graceMs: 0},",
    becomes: "{signal: 'SIGKILL', graceMs: 1},",
    why: 'the last signal is left to work for as long as it takes',
  },
  {
    file: 'src/reload/generations-state.ts',
    was: 'last: 0,',
    becomes: 'last: 1,',
    why: 'the records of the folder are read before it is asked for',
  },
  {
    file: 'src/reload/generations-state.ts',
    was: 'isApplying: false,',
    becomes: 'isApplying: true,',
    why: 'before the first apply no text is known, and that alone leaves nothing to compare with',
  },
  {
    file: 'src/http/ping-policy.ts',
    was: 'const LOG = {periodMs: 60_000, maxKeys: 1000} as const;',
    becomes: 'const LOG = {periodMs: 60_000, maxKeys: 1001} as const;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/commands/daemon/cluster.ts',
    was: 'const FIRST_WORD_MS = 5000;',
    becomes: 'const FIRST_WORD_MS = 5001;',
    why: BOUND_OF_WAIT,
  },
  {
    file: 'src/commands/daemon/cluster.ts',
    was: 'const LAST_WORD_MS = 2000;',
    becomes: 'const LAST_WORD_MS = 2001;',
    why: BOUND_OF_WAIT,
  },
  {
    file: 'src/commands/daemon/check-action.ts',
    was: 'const MAX_DIFFERENCE_CHARACTERS = 200_000;',
    becomes: 'const MAX_DIFFERENCE_CHARACTERS = 200001;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/commands/daemon/generations.ts',
    was: 'export const RUNTIME_LIMIT_MS = 2000;',
    becomes: 'export const RUNTIME_LIMIT_MS = 2001;',
    why: BOUND_OF_WAIT,
  },
  {
    file: 'src/commands/daemon/membership.ts',
    was: 'const STORE_PATIENCE_MS = 2000;',
    becomes: 'const STORE_PATIENCE_MS = 2001;',
    why: BOUND_OF_WAIT,
  },
  {
    file: 'src/commands/daemon/store.ts',
    was: "const run = randomBytes(4).toString('hex');",
    becomes: "const run = randomBytes(5).toString('hex');",
    why: OWN_NUMBER,
  },
  {
    file: 'src/commands/daemon/run.ts',
    was: 'const MAX_UNWRITTEN_BYTES = 16 << 20;',
    becomes: 'const MAX_UNWRITTEN_BYTES = 17 << 20;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/commands/daemon/run.ts',
    was: 'const MAX_UNWRITTEN_BYTES = 16 << 20;',
    becomes: 'const MAX_UNWRITTEN_BYTES = 16 << 21;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/commands/daemon/zerorpc.ts',
    was: 'const ZERORPC = {log: {periodMs: 60_000, maxKeys: 1000}, silentMs: 60_000, silentTtls: 4, envelopeBytes: 1024} as const;',
    becomes:
      'const ZERORPC = {log: {periodMs: 60001, maxKeys: 1000}, silentMs: 60_000, silentTtls: 4, envelopeBytes: 1024} as const;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/commands/daemon/zerorpc.ts',
    was: 'const ZERORPC = {log: {periodMs: 60_000, maxKeys: 1000}, silentMs: 60_000, silentTtls: 4, envelopeBytes: 1024} as const;',
    becomes:
      'const ZERORPC = {log: {periodMs: 60_000, maxKeys: 1001}, silentMs: 60_000, silentTtls: 4, envelopeBytes: 1024} as const;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/commands/daemon/zerorpc.ts',
    was: 'const ZERORPC = {log: {periodMs: 60_000, maxKeys: 1000}, silentMs: 60_000, silentTtls: 4, envelopeBytes: 1024} as const;',
    becomes:
      'const ZERORPC = {log: {periodMs: 60_000, maxKeys: 1000}, silentMs: 60_000, silentTtls: 4, envelopeBytes: 1025} as const;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/commands/daemon/zerorpc.ts',
    was: 'const ZERORPC = {log: {periodMs: 60_000, maxKeys: 1000}, silentMs: 60_000, silentTtls: 4, envelopeBytes: 1024} as const;',
    becomes:
      'const ZERORPC = {log: {periodMs: 60_000, maxKeys: 1000}, silentMs: 60001, silentTtls: 4, envelopeBytes: 1024} as const;',
    why: BOUND_OF_WAIT,
  },
  {
    file: 'src/commands/daemon/status-port.ts',
    was: 'export const MAX_STATUS_CONNECTIONS = 512;',
    becomes: 'export const MAX_STATUS_CONNECTIONS = 513;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/proxy/counter-ledger.ts',
    was: 'const MAX_ROWS = 20_000;',
    becomes: 'const MAX_ROWS = 20001;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/proxy/counter-ledger.ts',
    was: 'if (more.every(one => one === undefined)) return row;',
    becomes: '',
    why: 'with nothing to add, the sum is what the row says: it is spared for the time it takes',
  },
  {
    file: 'src/lifecycle/passes.ts',
    was: 'const {validate = 0, apply: both = 0} = phasesMs;',
    becomes: 'const {validate = 0, apply: both = 1} = phasesMs;',
    why: 'the phase has ended: the default is for the compiler',
  },
  {
    file: 'src/members/entry.ts',
    was: 'deadlineMs: 0,',
    becomes: 'deadlineMs: 1,',
    why: 'the table sets the deadline when it takes the entry in',
  },
  {
    file: 'src/members/entry.ts',
    was: '(a.seq === undefined ? a.arrival - b.arrival : a.pod.ip < b.pod.ip ? -1 : 1);',
    becomes: '(a.seq === undefined ? a.arrival - b.arrival : a.pod.ip <= b.pod.ip ? -1 : 1);',
    why: 'there is one entry for each address',
  },
  {
    file: 'src/lifecycle/lifecycle.ts',
    was: 'lastRequest: 0,',
    becomes: 'lastRequest: 1,',
    why: OWN_NUMBER,
  },
  {
    file: 'src/lifecycle/lifecycle.ts',
    was: 'const id = ++state.lastRequest;',
    becomes: 'const id = --state.lastRequest;',
    why: OWN_NUMBER,
  },
  {
    file: 'src/proxy/carried-state.ts',
    was: 'if (index % STEP === 0) yield;',
    becomes: 'if (index % STEP === 1) yield;',
    why: WHICH_STEP,
  },
  {
    file: 'src/proxy/drift.ts',
    was: 'if (index % STEP === 0) yield;',
    becomes: 'if (index % STEP === 1) yield;',
    why: WHICH_STEP,
  },
  {
    file: 'src/proxy/carried-state.ts',
    was: 'if (lines.length % STEP === 0) yield;',
    becomes: 'if (lines.length % STEP === 1) yield;',
    why: WHICH_STEP,
  },
  {
    file: 'src/proxy/drift.ts',
    was: 'const MAX_TEMPLATE = 65_536;',
    becomes: 'const MAX_TEMPLATE = 65537;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/proxy/drift.ts',
    was: "const isKnown = from !== undefined && count <= MAX_TEMPLATE && !line.name.includes('$');",
    becomes: "const isKnown = from !== undefined && count < MAX_TEMPLATE && !line.name.includes('$');",
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/proxy/drift.ts',
    was: 'const FORCED_DRAIN = 0x08;',
    becomes: 'const FORCED_DRAIN = 9;',
    why: 'what is forced into maintenance is told as that, drained or not',
  },
  {
    file: 'src/reload/liveness.ts',
    was: 'const ASK_AGAIN_MS = 100;',
    becomes: 'const ASK_AGAIN_MS = 101;',
    why: 'how often a full queue is asked again is no promise',
  },
  {
    file: 'src/reload/liveness.ts',
    was: 'const END_LIMIT_MS = 5000;',
    becomes: 'const END_LIMIT_MS = 5001;',
    why: 'it bounds the wait for a process that the kernel holds: nobody relies on the figure',
  },
  {
    file: 'src/proxy/hidden-parts.ts',
    was: 'for (let at = 0; at < text.length; at += 1) {',
    becomes: 'for (let at = 0; at <= text.length; at += 1) {',
    why: 'there is no character behind the last one',
  },
  {
    file: 'src/proxy/hidden-parts.ts',
    was: 'for (let at = 0; at < text.length; at += 1) {',
    becomes: 'for (let at = 1; at < text.length; at += 1) {',
    why: 'a parenthesis with no name before it begins no expression',
  },
  {
    file: 'src/proxy/redact.ts',
    was: 'for (let at = 0; at < written.length; at += 1) {',
    becomes: 'for (let at = 0; at <= written.length; at += 1) {',
    why: 'there is no character behind the last one',
  },
  {
    file: 'src/proxy/hidden-parts.ts',
    was: 'found.push([match.index + match[0].length - (match[1]?.length ?? 0), match.index + match[0].length]);',
    becomes: 'found.push([match.index + match[0].length - (match[1]?.length ?? 1), match.index + match[0].length]);',
    why: 'the pattern has its group wherever it matches',
  },
  {
    file: 'src/proxy/redact.ts',
    was: 'const [start, end] = [words[0]?.start ?? 0, words.at(-1)?.end ?? 0];',
    becomes: 'const [start, end] = [words[0]?.start ?? 1, words.at(-1)?.end ?? 0];',
    why: 'it is asked of lines that have a word',
  },
  {
    file: 'src/proxy/redact.ts',
    was: 'const [start, end] = [words[0]?.start ?? 0, words.at(-1)?.end ?? 0];',
    becomes: 'const [start, end] = [words[0]?.start ?? 0, words.at(-1)?.end ?? 1];',
    why: 'it is asked of lines that have a word',
  },
  {
    file: 'src/proxy/redact.ts',
    was: "const SECTIONS = new Set(LINES.split('\\n\\n', 1)[0]?.match(/[\\w-]+/g) ?? []);",
    becomes: "const SECTIONS = new Set(LINES.split('\\n\\n', 2)[0]?.match(/[\\w-]+/g) ?? []);",
    why: FIRST_PART,
  },
  {
    file: 'src/proxy/word-fates.ts',
    was: 'for (let at = 0; at < words.length; ) {',
    becomes: 'for (let at = 0; at <= words.length; ) {',
    why: 'no fate comes of the words behind the last one',
  },
  {
    file: 'src/zerorpc/zmtp.ts',
    was: 'const flags = bytes[0] ?? 0;',
    becomes: 'const flags = bytes[0] ?? 1;',
    why: NEVER_CUT,
  },
  {
    file: 'src/zerorpc/zmtp.ts',
    was: 'const length = bytes[1] ?? 0;',
    becomes: 'const length = bytes[1] ?? 1;',
    why: NEVER_CUT,
  },
  {
    file: 'src/zerorpc/zmtp.ts',
    was: 'const version = bytes[VERSION_AT] ?? 0;',
    becomes: 'const version = bytes[VERSION_AT] ?? 1;',
    why: NEVER_CUT,
  },
  {
    file: 'src/zerorpc/zmtp.ts',
    was: 'const nameEnd = at + 1 + (bytes[at] ?? 0);',
    becomes: 'const nameEnd = at + 1 + (bytes[at] ?? 1);',
    why: NEVER_CUT,
  },
  {
    file: 'src/zerorpc/zmtp.ts',
    was: 'if (reading.length < reading.expected.bytes) return;',
    becomes: '',
    why: 'too little is kept as it is: joining it is spared for the time it takes',
  },
  {
    file: 'src/lifecycle/culprits.ts',
    was: "return narrow({is: 'asking', order, upTo: 0, culprits: [], works: group.length, fails: of, fault});",
    becomes: "return narrow({is: 'asking', order, upTo: 1, culprits: [], works: group.length, fails: of, fault});",
    why: 'the next question is set in each case: it is for the type',
  },
  {
    file: 'src/lifecycle/suspects.ts',
    was: 'const share = Math.floor(((sizes.get(app)?.length ?? 0) * percent) / 100);',
    becomes: 'const share = Math.floor(((sizes.get(app)?.length ?? 1) * percent) / 100);',
    why: 'the pods that are counted include the culprits: each app of theirs has a size',
  },
  {
    file: 'src/lifecycle/fallback.ts',
    was: 'await keepGood(ports, isKnown ? current : {pass: passes.last?.pass ?? 0, template, sinceAt: clock.epochMs()});',
    becomes:
      'await keepGood(ports, isKnown ? current : {pass: passes.last?.pass ?? 1, template, sinceAt: clock.epochMs()});',
    why: 'a pass of the newest template that went well is the last one, and has a number',
  },
  {
    file: 'src/lifecycle/quarantine.ts',
    was: 'if (entries.size === 0) return [];',
    becomes: '',
    why: 'nobody in it, nobody of it: only the look at all pods and the digest are spared',
  },
  {
    file: 'src/proxy/unanswered.ts',
    was: 'if (slowest > 0) slowestMs.set(name, slowest);',
    becomes: 'if (slowest >= 0) slowestMs.set(name, slowest);',
    why: 'what is not known counts as 0',
  },
  {
    file: 'src/proxy/unanswered.ts',
    was: 'if (slowest > 0) slowestMs.set(name, slowest);',
    becomes: 'if (slowest > 1) slowestMs.set(name, slowest);',
    why: LESS_THAN_PATIENCE,
  },
  {
    file: 'src/proxy/unanswered.ts',
    was: 'function slowestOf({row, earlier, ended, before, look}: Ended, knownMs = 0): number {',
    becomes: 'function slowestOf({row, earlier, ended, before, look}: Ended, knownMs = 1): number {',
    why: LESS_THAN_PATIENCE,
  },
  {
    file: 'src/proxy/unanswered.ts',
    was: 'return (Number(row.rtime) || 0) * factor;',
    becomes: 'return (Number(row.rtime) || 1) * factor;',
    why: LESS_THAN_PATIENCE,
  },
  {
    file: 'src/proxy/unanswered.ts',
    was: 'const [was, is] = [Number(before?.rtime) || 0, Number(row.rtime) || 0];',
    becomes: 'const [was, is] = [Number(before?.rtime) || 0, Number(row.rtime) || 1];',
    why: LESS_THAN_PATIENCE,
  },
  {
    file: 'src/proxy/unanswered.ts',
    was: 'return came === 0 ? undefined : {...fresh, toldMs: undefined, isLate: false};',
    becomes: 'return came === 0 ? undefined : {...fresh, toldMs: undefined, isLate: true};',
    why: 'nothing is told of at its first look, and the next one says it anew',
  },
  {
    file: 'src/reload/liveness.ts',
    was: 'if (over.signal.aborted) return false;',
    becomes: 'if (over.signal.aborted) return true;',
    why: 'the first question was answered by then: nobody waits for the second one',
  },
  {
    file: 'src/reload/read-back.ts',
    was: "return !isInFullHealth || Number.parseInt(optionValue(change.after.options, 'fall') ?? '3', 10) < 2;",
    becomes: "return !isInFullHealth || Number.parseInt(optionValue(change.after.options, 'fall') ?? '3', 11) < 2;",
    why: 'it is asked only whether it is 1',
  },
  {
    file: 'src/proxy/spare-servers.ts',
    was: "const spare = disabled(imaginedLines[line.number - 1] ?? '', line, offsets[line.number - 1] ?? 0);",
    becomes: "const spare = disabled(imaginedLines[line.number - 1] ?? '', line, offsets[line.number - 1] ?? 1);",
    why: 'each line has an offset: the default is for the compiler',
  },
  {
    file: 'src/proxy/spare-servers.ts',
    was: 'const above = real[at - 1]?.number ?? 0;',
    becomes: 'const above = real[at - 1]?.number ?? 1;',
    why: 'what begins its section is above it: the default is for the compiler',
  },
  {
    file: 'src/proxy/spare-servers.ts',
    was: 'const end = (words.at(-1)?.end ?? 0) - offset;',
    becomes: 'const end = (words.at(-1)?.end ?? 1) - offset;',
    why: 'it is asked of lines that have a word',
  },
  {
    file: 'src/template/imagined-pods.ts',
    was: 'const byApp = (hosts: Hosts): Hosts => new Map([...hosts].sort(([a], [b]) => (a < b ? -1 : 1)));',
    becomes: 'const byApp = (hosts: Hosts): Hosts => new Map([...hosts].sort(([a], [b]) => (a <= b ? -1 : 1)));',
    why: 'there is one entry for each app',
  },
  {
    file: 'src/proxy/hidden-parts.ts',
    was: 'if (comma < 0 || comma > end || isDeclared(written.slice(comma + 1, end))) return [];',
    becomes: 'if (comma < 0 || comma >= end || isDeclared(written.slice(comma + 1, end))) return [];',
    why: 'a parenthesis stands at the end',
  },
  {
    file: 'src/proxy/hidden-parts.ts',
    was: 'return [start + quote.length, closed < 0 ? written.length : closed];',
    becomes: 'return [start + quote.length, closed <= 0 ? written.length : closed];',
    why: NOT_FIRST,
  },
  {
    file: 'src/proxy/error-shares.ts',
    was: 'const LOOK_MS = 2000;',
    becomes: 'const LOOK_MS = 2001;',
    why: 'as many whole looks of 2 s make up half of the time',
  },
  {
    file: 'src/proxy/error-shares.ts',
    was: 'if (names.size === 0) return counted;',
    becomes: '',
    why: 'nothing is meant, nothing left out: the look at each entry is spared for the time it takes',
  },
  {
    file: 'src/reload/drain.ts',
    was: 'const LEAVE: Ladder = [{signal: FINISH, graceMs: 0}];',
    becomes: 'const LEAVE: Ladder = [{signal: FINISH, graceMs: 1}];',
    why: 'the last signal is left to work for as long as it takes',
  },
  {
    file: 'src/proxy/handshakes.ts',
    was: 'const LEARNT_MS = 300_000;',
    becomes: 'const LEARNT_MS = 300001;',
    why: BOUND_OF_WAIT,
  },
  {
    file: 'src/proxy/hanging-servers.ts',
    was: 'const usual = usualMs.get(name) ?? 0;',
    becomes: 'const usual = usualMs.get(name) ?? 1;',
    why: LESS_THAN_PATIENCE,
  },
  {
    file: 'src/slave/send.ts',
    was: 'const MAX_SAID = 4096;',
    becomes: 'const MAX_SAID = 4097;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/slave/send.ts',
    was: 'if (said.length < MAX_SAID) said += text;',
    becomes: 'if (said.length <= MAX_SAID) said += text;',
    why: BOUND_OF_MEMORY,
  },
  {
    file: 'src/slave/send.ts',
    was: "response.on('end', () => resolve({status: response.statusCode ?? 0, said}));",
    becomes: "response.on('end', () => resolve({status: response.statusCode ?? 1, said}));",
    why: 'an answer that Node has read has a status',
  },
];
