import type {Thing, Value} from './value.ts';

/** A Python iterator or generator: what it gives, it gives once. */
export function streamOf(typeName: string, iterator: Iterator<Value>): Thing {
  return {
    typeName,
    iterate: () => iterator,
    text: () => `<${typeName} object>`,
  };
}
