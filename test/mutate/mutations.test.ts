import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {openFolder} from '../support/folder.ts';
import {type Compiler, openCompiler} from './compiler.ts';
import {mutate, mutationsOf, showMutation} from './mutations.ts';

const TSCONFIG = JSON.stringify({compilerOptions: {strict: true, noEmit: true}, files: ['one.ts']});

describe('mutations', () => {
  let folder: Awaited<ReturnType<typeof openFolder>>;
  let compiler: Compiler;
  before(async () => {
    folder = await openFolder();
    writeFileSync(join(folder.path, 'tsconfig.json'), TSCONFIG);
    writeFileSync(join(folder.path, 'one.ts'), '');
    compiler = openCompiler(folder.path, 'tsconfig.json');
  });
  after(async () => {
    compiler[Symbol.dispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** What each mutation makes of the text. */
  const mutantsOf = (text: string): string[] =>
    mutationsOf(compiler.parse('one.ts', text)).map(mutation => mutate(text, mutation));

  /** The same for an expression. */
  const mutantsOfExpression = (expression: string): string[] => {
    const head = 'export const result = ';
    return mutantsOf(`${head}${expression};`).map(text => text.slice(head.length, -1));
  };

  for (const [expression, mutants] of [
    ['a < b', ['a <= b', 'a >= b']],
    ['a <= b', ['a < b', 'a > b']],
    ['a > b', ['a >= b', 'a <= b']],
    ['a >= b', ['a > b', 'a < b']],
    ['a === b', ['a !== b']],
    ['a !== b', ['a === b']],
    ['a && b', ['a || b']],
    ['a || b', ['a && b']],
    ['a + b', ['a - b']],
    ['a - 1', ['a + 1', 'a - 2']],
    ['a++', ['a--']],
    ['--a', ['++a']],
    ['!a', ['a']],
    ['true', ['false']],
    ['[false]', ['[true]']],
    ['a ?? b', ['b']],
    ['f() ? a : b', ['!(f()) ? a : b']],
    ['a < 1_000 ? a : b', ['a <= 1_000 ? a : b', 'a >= 1_000 ? a : b', 'a < 1001 ? a : b']],
    ['f(a) ? -1 : 1', ['!(f(a)) ? -1 : 1']],
    ['f(a) ? 0 : 1', ['!(f(a)) ? 0 : 1', 'f(a) ? 1 : 1', 'f(a) ? 0 : 2']],
    ['f(a, "<", /a && b/)', []],
  ] as const) {
    test(`${expression} -> ${mutants.join(' or ') || 'left alone'}`, () => {
      assert.deepEqual(mutantsOfExpression(expression), mutants);
    });
  }

  test('an early return -> left out, or its condition turned', () => {
    const head = 'export function f(a: boolean) {\n  ';
    const mutants = mutantsOf(`${head}if (a) return 'b';\n}\n`);
    assert.deepEqual(mutants, [`${head}\n}\n`, `${head}if (!(a)) return 'b';\n}\n`]);
  });

  test('an early way out in a block, of a loop -> left out; with an else or more in it -> stays', () => {
    const loop = (body: string) => `export function f(b: string[]) { for (const a of b) { ${body} } return b; }`;
    assert.deepEqual(mutantsOf(loop('if (a === "") { continue; }')), [loop(''), loop('if (a !== "") { continue; }')]);
    assert.deepEqual(mutantsOf(loop('if (a === "") break; else b.pop();')), [
      loop('if (a !== "") break; else b.pop();'),
    ]);
    assert.deepEqual(mutantsOf(loop('if (a === "") { b.pop(); break; }')), [loop('if (a !== "") { b.pop(); break; }')]);
  });

  test('a return of nothing -> left out', () => {
    const body = (text: string) => `export function f(a: () => void) { { a(); ${text} } a(); }`;
    assert.deepEqual(mutantsOf(body('return;')), [body('')]);
    assert.deepEqual(mutantsOf(body('return undefined;')), [body('')]);
    assert.deepEqual(mutantsOf(body('return a;')), []);
    assert.deepEqual(mutantsOf('export function f(a: () => void) { a(); return; }'), []);
  });

  test('types -> left alone', () => {
    assert.deepEqual(
      mutantsOf('export interface A {a: true; b: 1}\nexport type B = A["b"] | false;\nexport let c: 2 | B;'),
      [],
    );
  });

  test('letters of more than one byte before it -> the right place; shown with its line', () => {
    const text = "// … 𝒳\nexport const a = '…𝒳' < 'b';\n";
    const [first] = mutationsOf(compiler.parse('one.ts', text));
    assert.ok(first !== undefined);
    assert.deepEqual(showMutation(text, first), {
      line: 2,
      was: "export const a = '…𝒳' < 'b';",
      becomes: "export const a = '…𝒳' <= 'b';",
    });
  });

  test('what has no type, what is no program -> not accepted', () => {
    assert.equal(compiler.accepts('one.ts', "export const a: number = 'x';"), false);
    assert.equal(compiler.accepts('one.ts', 'export const a: number = ;'), false);
    assert.equal(compiler.accepts('one.ts', 'export const a: number = 1 - 1;'), true);
  });
});
