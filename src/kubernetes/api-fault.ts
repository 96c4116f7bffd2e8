/**
 * Why a request to the Kubernetes API had no use; thrown inside this room only. `status` is the HTTP status, or
 * undefined when none came: nobody answered, TLS failed, time was up, or the answer was no JSON.
 */
export class ApiFault extends Error {
  readonly status: number | undefined;

  constructor(status: number | undefined, reason: string, options: {cause?: unknown} = {}) {
    super(reason, options);
    this.name = 'ApiFault';
    this.status = status;
  }
}

const MAX_REASON_CHARACTERS = 200;

/** The cause that explains: fetch wraps the system's own words in a bare "fetch failed". */
const innermost = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? innermost(error.cause) : error;

/** Anything thrown on the way to the API as an ApiFault, its reason on one line of bounded length. */
export function asApiFault(error: unknown): ApiFault {
  if (error instanceof ApiFault) return error;
  const inner = innermost(error);
  const text = inner instanceof Error ? inner.message || inner.name : String(inner);
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : undefined;
  const reason = text.replace(/\s+/g, ' ').slice(0, MAX_REASON_CHARACTERS);
  return new ApiFault(status, status === undefined ? reason : `${status} ${reason}`, {cause: error});
}
