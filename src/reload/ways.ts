/**
 * How a new generation takes over a listener (`KONTROL_RELOAD`), the best first:
 * - `transfer`: HAProxy 1.8+ fetches the listening sockets from the old process (`-x`).
 * - `migrate`: both listen (SO_REUSEPORT), the kernel moves pending connections over (`net.ipv4.tcp_migrate_req`).
 * - `inherit`: the daemon owns the socket and every generation gets it as a descriptor.
 * - `syn-drop`: both listen; SYN packets are dropped only while the old one closes, so nothing is lost and the window
 *   does not grow with the configuration.
 * - `classic`: the new one is started with `-sf` while SYN packets are dropped: where two cannot listen at once.
 * - `plain`: no protection: connections in the old one's accept queue can be reset.
 */
export const RELOAD_WAYS = ['transfer', 'migrate', 'inherit', 'syn-drop', 'classic', 'plain'] as const;
export type ReloadWay = (typeof RELOAD_WAYS)[number];

/** `KONTROL_RELOAD`: the way to try first; `auto` begins with the best. */
export const RELOAD_SETTINGS = ['auto', ...RELOAD_WAYS] as const;
export type ReloadSetting = (typeof RELOAD_SETTINGS)[number];

/** Whether new connections are neither lost nor delayed. */
export const isLossless = (way: ReloadWay): boolean => way === 'transfer' || way === 'migrate' || way === 'inherit';
