/** What can be wrong with one exchange: who gets no answer tries another endpoint, who is unknown says who he is again. */
export type EtcdFaultKind = 'unreachable' | 'unauthenticated' | 'refused';

/** An exchange that failed; the message is etcd's own where it answered. */
export class EtcdFault extends Error {
  readonly kind: EtcdFaultKind;

  constructor(kind: EtcdFaultKind, message: string, options: {cause?: unknown} = {}) {
    super(message, options);
    this.kind = kind;
  }
}

/** gRPC's codes for a server that cannot answer now (etcd without a leader says so, too). */
const UNAVAILABLE_CODES = [1, 4, 8, 14];
const UNAUTHENTICATED_CODE = 16;

/** A token of which etcd says that it is none of its, or one from before a change of users. */
const AUTH_REASON = /auth token|user name is empty|revision in header is old/;

/** What an answer with a gRPC code says. */
export function etcdFaultOf(code: number, reason: string): EtcdFault {
  if (code === UNAUTHENTICATED_CODE || AUTH_REASON.test(reason)) return new EtcdFault('unauthenticated', reason);
  return new EtcdFault(UNAVAILABLE_CODES.includes(code) ? 'unreachable' : 'refused', reason);
}

/** etcd's word for a lease that has ended. */
export const isLeaseGone = (error: unknown): boolean =>
  error instanceof EtcdFault && error.message.includes('lease not found');
