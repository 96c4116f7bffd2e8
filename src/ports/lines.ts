import type {Readable} from 'node:stream';
import {StringDecoder} from 'node:string_decoder';

/** A longer line comes in pieces: what never ends a line may not fill our memory. */
export const MAX_LINE_CHARACTERS = 8192;

/**
 * Hands over what a stream says line by line, without the line ends, for as long as it speaks; the last line may lack
 * its end. One chunk (64 KiB at most) a tick of the event loop: who writes without pause is slowed down, nobody else.
 */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const take = (text: string): void => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) say(line.endsWith('\r') ? line.slice(0, -1) : line);
    while (rest.length > MAX_LINE_CHARACTERS) {
      onLine(rest.slice(0, MAX_LINE_CHARACTERS));
      rest = rest.slice(MAX_LINE_CHARACTERS);
    }
  };
  const say = (line: string): void => {
    for (let from = 0; from === 0 || from < line.length; from += MAX_LINE_CHARACTERS) {
      onLine(line.slice(from, from + MAX_LINE_CHARACTERS));
    }
  };
  stream.on('data', (chunk: Buffer) => {
    take(decoder.write(chunk));
    stream.pause();
    setImmediate(() => stream.resume());
  });
  stream.once('end', () => {
    take(decoder.end());
    if (rest !== '') onLine(rest);
  });
  // A pipe that breaks has nothing more to say; its process's exit is reported elsewhere.
  stream.on('error', () => {});
}
