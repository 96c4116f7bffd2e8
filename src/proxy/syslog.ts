/** What HAProxy puts before each log line (RFC 3164). */
export interface SyslogLine {
  readonly severity: number;
  /** The PID in the tag, `haproxy[17]:`. */
  readonly pid: number | undefined;
  readonly message: string;
}

// "<134>Nov 25 09:04:00 [host ]haproxy[123]: message"; the host only with `log-send-hostname`; the tag's
// colon tells it from one.
const LINE = /^<(\d{1,3})>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?:\S*[^\s:] )?[^\s[\]:]+(?:\[(\d{1,10})\])?: (.*)$/s;

const SEVERITY_BITS = 0b111;

const CONTROL = /\p{Cc}/gu;

/** Control characters would let a request forge lines on a terminal. HAProxy escapes most of them itself. */
export const escapeControls = (text: string): string =>
  text.replace(CONTROL, character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`);

/** Reads one datagram; undefined when it is no syslog line. Never throws. */
export function parseSyslog(datagram: Uint8Array): SyslogLine | undefined {
  const text = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength)
    .toString('utf8')
    .replace(/[\n\0]+$/, '');
  const [, priority, pid, message] = LINE.exec(text) ?? [];
  if (priority === undefined || message === undefined) return undefined;
  return {
    severity: Number(priority) & SEVERITY_BITS,
    pid: pid === undefined ? undefined : Number(pid),
    message: escapeControls(message),
  };
}
