import {parseLines} from './lines.ts';

const SYSLOG_PORT = 514;
const LOOPBACK = /^(?:127\.0\.0\.1|localhost|::1|\[::1\])$/;

/**
 * Whether a `global` section logs to syslog's own port on loopback (`log 127.0.0.1 local0`, `log localhost:514 ...`), as
 * templates of 2017 do: nobody listens there in a container unless we do.
 */
export function logsToLocalSyslog(text: string): boolean {
  for (const {section, words} of parseLines(text)) {
    const [first, target] = words.map(word => word.text);
    if (section.kind !== 'global' || first !== 'log' || target === undefined) continue;
    const [, host = target, port] = /^(?:udp@|ipv4@)?(.*?)(?::(\d+))?$/.exec(target) ?? [];
    if (LOOPBACK.test(host) && Number(port ?? SYSLOG_PORT) === SYSLOG_PORT) return true;
  }
  return false;
}
