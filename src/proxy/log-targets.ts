import {parseFrameLines} from './lines.ts';

export const SYSLOG_PORT = 514;
const LOOPBACK = /^(?:127\.0\.0\.1|localhost|::1|\[::1\])$/;

/** HAProxy cuts lines at 1024 bytes unless told otherwise. */
const MAX_LINE_BYTES = 16_384;

/**
 * A `global` section with our syslog port, for the sections that say `log global`. HAProxy copies the targets that it
 * has read when it comes to such a line, so that this file stands before the user's.
 */
export const deriveLogTarget = (port: number): string =>
  `# written by haproxy-kontrol; read by HAProxy before the rendered configuration
global
  log 127.0.0.1:${port} len ${MAX_LINE_BYTES} local0
`;

/**
 * Whether a `global` section logs to syslog's own port on loopback (`log 127.0.0.1 local0`, `log localhost:514 ...`), as
 * templates of 2017 do: nobody listens there in a container unless we do.
 */
export function logsToLocalSyslog(text: string): boolean {
  for (const {section, words} of parseFrameLines(text)) {
    const [first, target] = words.map(word => word.text);
    if (section.kind !== 'global' || first !== 'log' || target === undefined) continue;
    const [, host = target, port] = /^(?:udp@|ipv4@)?(.*?)(?::(\d+))?$/.exec(target) ?? [];
    if (LOOPBACK.test(host) && Number(port ?? SYSLOG_PORT) === SYSLOG_PORT) return true;
  }
  return false;
}
