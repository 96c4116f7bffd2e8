/** Templates in which the property test, or a reviewer, once found a difference. Each is tried at every run. */
export const PAST_FAILURES: readonly string[] = [];
