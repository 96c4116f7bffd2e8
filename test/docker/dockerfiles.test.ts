import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {missing} from '../support/parts.ts';
import {instructionsOf, lintDockerfile} from './lint.ts';

const root = new URL('../../', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, root), 'utf8');

const DOCKERFILES = ['docker/debian-12/Dockerfile', 'alpine-3.5/Dockerfile'];

const FAULTY = `FROM debian:12 AS build
WORKDIR data
COPY --form=build /a /b
COPY a b c
FROM $NOWHERE
EXPOSE web
RUN set -eu \\
  && cd $folder
RUNN ls
HEALTHCHECK --interval=5 CMD ["true"]
STOPSIGNAL TREM
ENTRYPOINT ["one"]
ENTRYPOINT ['two']
`;

describe('the Dockerfiles', () => {
  for (const name of DOCKERFILES) {
    test(`${name}, linted -> no fault`, {skip: missing('shellcheck')}, () => {
      assert.deepEqual(lintDockerfile(read(name)), []);
    });
  }

  test('a faulty one, linted -> every fault, at its line', {skip: missing('shellcheck')}, () => {
    const said = Map.groupBy(lintDockerfile(FAULTY), ({line}) => line);
    const expected: Readonly<Record<number, RegExp>> = {
      2: /absolute/,
      3: /Unknown flag: form/,
      4: /must be a directory/,
      5: /should not be blank/,
      6: /Invalid containerPort: web/,
      8: /SC2086: Double quote/,
      9: /Unknown instruction: RUNN/,
      10: /missing unit in duration/,
      11: /Invalid signal: TREM/,
      12: /only be one ENTRYPOINT/,
      13: /single quotes/,
    };
    assert.deepEqual([...said.keys()], Object.keys(expected).map(Number));
    for (const [line, pattern] of Object.entries(expected)) {
      assert.match(
        said
          .get(Number(line))
          ?.map(({says}) => says)
          .join('\n') ?? '',
        pattern,
      );
    }
  });

  // A stage takes over what another stage made, and bases come from build arguments: each can be pinned or replaced.
  for (const name of DOCKERFILES) {
    test(`the bases of ${name} -> build arguments with a tag, never latest`, () => {
      const instructions = instructionsOf(read(name));
      const defaults = new Map(
        instructions
          .filter(instruction => instruction.getKeyword() === 'ARG')
          .map(instruction => instruction.getArgumentsContent()?.split('=') ?? [])
          .map(([key = '', value = '']) => [`$${key}`, value]),
      );
      const bases = instructions
        .filter(instruction => instruction.getKeyword() === 'FROM')
        .map(from => from.getArgumentsContent()?.split(' ')[0] ?? '');
      assert.ok(bases.length >= 3);
      for (const base of bases) {
        const value = defaults.get(base) ?? '';
        assert.match(defaults.get(value) ?? value, /^[a-z/]+:(?!latest)[\w.-]+$/, base);
      }
    });

    test(`the build arguments of ${name} -> those of docs/images.md, with its defaults`, () => {
      const at = name.startsWith('alpine') ? 1 : 0;
      const table = read('docs/images.md').split('Build arguments')[1]?.split('\n## ')[0] ?? '';
      // `A` / `B` is of Debian and of Alpine; `A`, `B` are two of both.
      const documented = [...table.matchAll(/^\| (`.*?) *\| (.*?) *\|/gm)].flatMap(([, names = '', values = '']) => {
        if (names.includes('(Alpine)') && at === 0) return [];
        const of = (text: string) =>
          text
            .split(' / ')
            .at(text.includes(' / ') ? at : 0)
            ?.match(/(?<=`)[^`,]+(?=`)/g) ?? [];
        return of(names).map(argument => `${argument}=${of(values)[0] ?? ''}`);
      });
      // What stands for a base is that, or nothing.
      const taken = [...read(name).matchAll(/^ARG (\w+=.*)$/gm)].map(([, given = '']) =>
        given.replace(/=\$.*|(?<=^(?:VERSION|REVISION)=).*/, match => (match.startsWith('=') ? '=' : '')),
      );
      assert.deepEqual(taken.sort(), documented.sort());
    });

    test(`${name}'s Node and version -> those of the lock file and of package.json`, () => {
      const lock = JSON.parse(read('package-lock.json'));
      assert.match(read(name), new RegExp(`^ARG NODE=node:${lock.packages['node_modules/node'].version}-`, 'm'));
      assert.match(read(name), new RegExp(`^ARG VERSION=${lock.version}$`, 'm'));
    });
  }
});
