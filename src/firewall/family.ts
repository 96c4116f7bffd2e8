/** The address families in which connections arrive; each has filter tables of its own. */
export const FAMILIES = ['ipv4', 'ipv6'] as const;
export type Family = (typeof FAMILIES)[number];
