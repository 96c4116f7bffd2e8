import assert from 'node:assert/strict';
import {once} from 'node:events';
import {connect} from 'node:net';
import {join} from 'node:path';
import {test} from 'node:test';
import {parseCommand} from '../../src/lifecycle/command.ts';
import {openControlSocket} from '../../src/lifecycle/control-socket.ts';
import {matchesGlob} from '../../src/lifecycle/glob.ts';
import {systemClock} from '../../src/ports/clock.ts';
import {openLogSink} from '../members/fixtures.ts';
import {openFolder} from '../support/folder.ts';
import {fc} from '../support/properties.ts';
import {budget} from './budget.ts';
import {mutatedBytes, mutatedText} from './mutated.ts';

const VALID = [
  'STATE',
  'GOTO configure\n',
  'WAIT configure {"web": ["10.0.0.1"]}\r\n',
  '?SET NAME a value',
  'DIE',
  'JOB restart haproxy telegraf',
  'JOB tail all',
];
const WORDS = ['GOTO ', 'WAIT ', 'SET ', 'INPUT', 'PATH', 'JOB ', '?'];

/** The commands of docs/contract-2017.md#lifecycle, on Latin-1 so that every byte is one character. */
const LINE = /^(\??)([^ \t\n]*)(?:[ \t\n]([\s\S]*))?$/;
const TAGGED = /^([^ \t\n]+)(?:[ \t\n]([\s\S]*))?$/;

test('control command, any bytes -> what an independent reading of the contract says', () => {
  fc.assert(
    fc.property(mutatedBytes(VALID, WORDS), bytes => {
      const {command, explain} = parseCommand(bytes);
      const text = bytes.toString('latin1').replace(/[\r\n]+$/, '');
      const [, mark, verb, rest] = LINE.exec(text) ?? [];
      assert.equal(explain, mark === '?');
      if (verb === 'GOTO' || verb === 'WAIT') {
        const [, tag, input] = TAGGED.exec(rest ?? '') ?? [];
        const expected = tag === undefined ? 'unknown' : verb;
        assert.equal(command.is, expected);
        if (command.is !== 'GOTO' && command.is !== 'WAIT') return;
        assert.equal(command.tag, Buffer.from(tag ?? '', 'latin1').toString());
        assert.equal(command.input?.toString('latin1'), input);
      } else if (verb === 'STATE' || verb === 'DIE') {
        assert.equal(command.is, verb);
      } else if (command.is === 'SET') {
        assert.equal(verb, 'SET');
        assert.match(command.name, /^[A-Za-z_]\w{0,127}$/);
        assert.ok(!['INPUT', 'INPUT_FILE', 'SOCKET'].includes(command.name) && !command.value.includes('\0'));
      } else if (command.is === 'JOB') {
        assert.equal(verb, 'JOB');
        assert.ok(command.jobs.every(job => /^\S+$/.test(job)));
      } else {
        assert.equal(command.is, 'unknown');
      }
    }),
    budget(),
  );
});

test('control socket, any bytes in any pieces, ended or not -> each client is answered with its own command', async () => {
  await using folder = await openFolder();
  const path = join(folder.path, 'sock');
  const {log} = openLogSink();
  const opened = await openControlSocket({
    path,
    clock: systemClock,
    log,
    answer: async bytes => `got ${bytes.toString('hex')}`,
  });
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(mutatedBytes(VALID, WORDS), {maxLength: 5}), fc.boolean(), async (pieces, hangsUp) => {
        const socket = connect({path, allowHalfOpen: true});
        const heard: Buffer[] = [];
        socket.on('data', chunk => heard.push(chunk)).on('error', () => {});
        await once(socket, 'connect');
        for (const piece of pieces) socket.write(piece);
        if (hangsUp) {
          socket.destroy();
          return;
        }
        const ended = once(socket, 'end');
        socket.end();
        await ended;
        assert.equal(Buffer.concat(heard).toString(), `got ${Buffer.concat(pieces).toString('hex')}`);
      }),
      budget(60),
    );
  } finally {
    await opened.close();
  }
});

test('glob, any glob and text -> an answer; stars and sets mean what they mean in fnmatch', () => {
  const globs = mutatedText(
    ['configure', 'expose-*', '*', '?[a-c]*', '[!x]y', '[z-a]', '**a**'],
    ['*', '?', '[', '[!', ']', '[]-]', '[^'],
  );
  fc.assert(
    fc.property(globs, fc.string({unit: fc.constantFrom('a', 'b', '-', 'z', ']', '^')}), (glob, text) => {
      assert.equal(typeof matchesGlob(glob, text), 'boolean');
      assert.ok(matchesGlob(`*${glob.replaceAll('[', '')}`, `x${glob.replaceAll('[', '')}`));
    }),
    budget(),
  );
});
