let temporaryNumber = 0;

/** A name in the folder of `path` for a file that is written in full before it takes the place of `path`. */
export const temporaryBeside = (path: string): string => `${path}.tmp-${process.pid}-${++temporaryNumber}`;

/** Whether a file name is one of those: left over by a process that died while it wrote. */
export const isTemporary = (name: string): boolean => /\.tmp-\d+-\d+$/.test(name);
