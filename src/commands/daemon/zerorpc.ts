import {BODY_LIMIT_BYTES} from '../../http/body.ts';
import {createThrottle} from '../../http/throttle.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {openZerorpcGateway, type ZerorpcGateway} from '../../zerorpc/gateway.ts';
import type {Context} from './context.ts';

/**
 * A slave pings every three quarters of a TTL; one that was refused reconnects several times a second, and one line a
 * minute is enough to find it. A call wraps its ping in some 100 bytes.
 */
const ZERORPC = {log: {periodMs: 60_000, maxKeys: 1000}, silentMs: 60_000, silentTtls: 4, envelopeBytes: 1024} as const;

/** For the slaves of kontrol's last release. */
export function openZerorpc({config, room}: Context): ZerorpcGateway {
  return openZerorpcGateway({
    clock,
    log: room('http'),
    mayWarn: createThrottle({clock, ...ZERORPC.log}),
    maxConnections: config.maxMembers,
    maxBodyBytes: BODY_LIMIT_BYTES + ZERORPC.envelopeBytes,
    silentMs: Math.max(ZERORPC.silentMs, config.ttlMs * ZERORPC.silentTtls),
  });
}
