import assert from 'node:assert/strict';
import {globSync} from 'node:fs';
import {basename, resolve} from 'node:path';
import {after, describe, test} from 'node:test';
import type {Identifier, Node} from 'typescript/unstable/ast';
import {SyntaxKind} from 'typescript/unstable/ast';
import {isIdentifier} from 'typescript/unstable/ast/is';
import {API, type Project} from 'typescript/unstable/sync';

/** Declared by a statement, and not there before it: functions are, as are the parameters of their own. */
const LATE: readonly SyntaxKind[] = [SyntaxKind.VariableDeclaration, SyntaxKind.BindingElement];

/** Whether it belongs to the file as a whole, which has been read to its end before any function runs. */
const isOfModule = (node: Node): boolean => {
  for (let at: Node = node; at.kind !== SyntaxKind.SourceFile; at = at.parent) {
    if (at.kind === SyntaxKind.Block) return false;
  }
  return true;
};

function identifiersOf(node: Node): Identifier[] {
  const found: Identifier[] = isIdentifier(node) ? [node] : [];
  node.forEachChild(child => void found.push(...identifiersOf(child)));
  return found;
}

/** `run.ts:12 converger`: each name that stands before the statement which declares it, inside closures too. */
function findTooEarly(path: string, {program, checker}: Project): string[] {
  const file = program.getSourceFile(resolve(path));
  assert.ok(file !== undefined, path);
  const identifiers = identifiersOf(file);
  const symbols = checker.getSymbolAtLocation(identifiers);
  return identifiers.flatMap((identifier, index) => {
    const handle = symbols[index]?.valueDeclaration;
    const declaration = handle !== undefined && LATE.includes(handle.kind) ? handle.resolve() : undefined;
    if (declaration === undefined || declaration.getSourceFile().path !== file.path) return [];
    if (identifier.pos >= declaration.pos || isOfModule(declaration)) return [];
    const line = file.text.slice(0, identifier.getStart(file)).split('\n').length;
    return [`${basename(path)}:${line} ${identifier.text}`];
  });
}

describe('the order of names', () => {
  const api = new API({cwd: process.cwd()});
  after(() => api.close());
  const [project] = api.updateSnapshot({openProjects: ['tsconfig.json']}).getProjects();
  assert.ok(project !== undefined);

  test('a closure over what is declared later -> found; functions, and names of an inner scope, are not', () => {
    assert.deepEqual(findTooEarly('test/commands/daemon/too-early.ts', project), ['too-early.ts:4 tell']);
  });

  test('the composition root -> nothing is used before it exists', () => {
    const files = globSync('src/commands/**/*.ts').sort();
    assert.ok(files.length > 20);
    assert.deepEqual(
      files.flatMap(path => findTooEarly(path, project)),
      [],
    );
  });
});
