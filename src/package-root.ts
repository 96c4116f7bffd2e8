/**
 * The URL of this package's folder, with a slash at its end: what is beside the code is found from there, whether the code
 * runs from `src/` or bundled from `dist/`.
 */
export const PACKAGE_ROOT = import.meta.url.replace(/^(.*\/)(?:src|dist)\/.*$/, '$1');
