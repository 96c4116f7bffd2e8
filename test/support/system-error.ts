/** What Node rejects with when the system refuses: code and reason, as `ENOSPC: no space left on device`. */
export const systemError = (code: string, reason = 'refused by a test'): Error =>
  Object.assign(new Error(`${code}: ${reason}`), {code, errno: -1, syscall: 'test'});
