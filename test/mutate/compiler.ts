import {resolve} from 'node:path';
import type {SourceFile} from 'typescript/unstable/ast';
import {API} from 'typescript/unstable/sync';

/** TypeScript's own parser and checker on one project, in which the text of one file is exchanged at a time. */
export interface Compiler extends Disposable {
  /** `file` is relative to the project's folder. Positions are offsets into its text as JavaScript counts. */
  parse(file: string, text: string): SourceFile;
  /** Whether `file` passes the type check with `text` for its content. The other files are not looked at again. */
  accepts(file: string, text: string): boolean;
}

/**
 * Opens the project of `tsconfig` in `folder`. The compiler's API is called unstable by its makers; it is the one we
 * compile with already, reads all our syntax, and knows what a mutation has to know: whether the result has a type.
 */
export function openCompiler(folder: string, tsconfig: string): Compiler {
  let exchanged = {path: '', text: ''};
  const api = new API({
    cwd: folder,
    fs: {readFile: path => (path === exchanged.path ? exchanged.text : undefined)},
  });
  const project = resolve(folder, tsconfig);
  let snapshot = api.updateSnapshot({openProjects: [project]});
  const programWith = (path: string, text: string) => {
    const changed = [...new Set([path, exchanged.path])].filter(one => one !== '');
    exchanged = {path, text};
    const last = snapshot;
    snapshot = api.updateSnapshot({fileChanges: {changed}});
    last.dispose();
    const program = snapshot.getProject(project)?.program;
    if (program === undefined) throw new Error(`cannot open ${project}: no such project`);
    return program;
  };
  return {
    parse(file, text) {
      const path = resolve(folder, file);
      const source = programWith(path, text).getSourceFile(path);
      if (source === undefined) throw new Error(`cannot parse ${file}: it is not part of ${tsconfig}`);
      return source;
    },
    accepts(file, text) {
      const path = resolve(folder, file);
      const program = programWith(path, text);
      return program.getSyntacticDiagnostics(path).length + program.getSemanticDiagnostics(path).length === 0;
    },
    [Symbol.dispose]: () => api.close(),
  };
}
