import {openDataFolder} from '../../src/config/data-folder.ts';

/** Holds the lock of a data folder until it is killed. */
const lock = await openDataFolder(process.argv[2] ?? '');
process.on('disconnect', () => void lock[Symbol.asyncDispose]());
process.send?.('locked');
