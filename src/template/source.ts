import type {Labels, TemplateSource} from '../config/config.ts';
import {CONFIG_ANNOTATION} from '../config/parse.ts';
import {DaemonError, isSystemFault, reasonOf} from '../errors.ts';
import {type Clock, within} from '../ports/clock.ts';
import type {TemplateRead} from './read-template.ts';
import {decodeTemplate} from './utf8.ts';

const POLL_MS = 1000;

/** A disk that does not answer (NFS) keeps nobody waiting longer. */
const READ_LIMIT_MS = 5000;

export interface TemplateTextPorts {
  /** Rejects with the system's error. */
  readonly read: (path: string) => Promise<TemplateRead>;
  readonly clock: Clock;
  readonly annotations: () => Labels;
}

/** The template's text as it is now. */
export interface TemplateText {
  /** Rejects with RENDER when its file cannot be read. */
  load(): Promise<string>;
  /**
   * Calls back when the text has changed since it was last loaded, or cannot be read any more (a file is looked at every
   * second, whoever replaces it and how).
   */
  follow(onChange: () => void): () => void;
}

export function openTemplateText(source: TemplateSource, ports: TemplateTextPorts): TemplateText {
  // Whoever follows the pod's annotations asks for the pass.
  const follow = () => () => {};
  switch (source.is) {
    case 'annotation':
      return {load: async () => textOfAnnotation(ports.annotations()), follow};
    case 'text':
      return {load: async () => source.text, follow};
    case 'file': {
      const file: ReadFile = {path: source.path, loaded: undefined, loads: 0, reading: undefined, next: undefined};
      return {load: () => loadFile(file, ports), follow: onChange => followFile(file, onChange, ports)};
    }
  }
}

function textOfAnnotation(annotations: Labels): string {
  const text = annotations[CONFIG_ANNOTATION];
  if (text !== undefined) return text;
  throw new DaemonError('RENDER', `cannot read the template: the annotation ${CONFIG_ANNOTATION} is gone; set it`);
}

type FilePorts = Pick<TemplateTextPorts, 'read' | 'clock'>;

interface ReadFile {
  readonly path: string;
  loaded: string | undefined;
  /** How often it could be read, by whomever. */
  loads: number;
  /** One at a time: each that hangs holds a thread. */
  reading: Promise<TemplateRead> | undefined;
  /** Who comes while one is under way gets the next: that one may have seen the file of before. */
  next: Promise<TemplateRead> | undefined;
}

async function loadFile(file: ReadFile, ports: FilePorts): Promise<string> {
  const subject = `cannot read the template ${file.path} (KONTROL_TEMPLATE)`;
  const refuse = (reason: string, cause?: unknown) => new DaemonError('RENDER', `${subject}: ${reason}`, {cause});
  const found = await readInTime(file, ports).catch(error => {
    if (!isSystemFault(error)) throw error;
    throw refuse(reasonOf(error), error);
  });
  if (found === undefined) throw refuse(`it cannot be read within ${READ_LIMIT_MS / 1000} s`);
  switch (found.is) {
    case 'file':
      file.loaded = decodeTemplate(found.bytes, subject, 'RENDER');
      file.loads += 1;
      return file.loaded;
    case 'absent':
      throw refuse('there is no such file');
    case 'other':
      throw refuse(found.reason);
  }
}

function readInTime(file: ReadFile, ports: FilePorts): Promise<TemplateRead | undefined> {
  const begin = () => beginReading(file, ports);
  if (file.reading !== undefined) file.next ??= file.reading.then(begin, begin);
  return within(ports.clock, READ_LIMIT_MS, file.next ?? begin());
}

function beginReading(file: ReadFile, {read}: FilePorts): Promise<TemplateRead> {
  file.next = undefined;
  file.reading = read(file.path).finally(() => {
    file.reading = undefined;
  });
  return file.reading;
}

function followFile(file: ReadFile, onChange: () => void, ports: FilePorts): () => void {
  // Not what the first look finds: the file may have changed since it was loaded. Undefined: it cannot be read.
  let seen = file.loaded;
  let isFirst = true;
  let misses = 0;
  let loads = 0;
  /** A pass read it between two looks that could not. */
  let isMended = false;
  let closed = false;
  let cancel = () => {};
  const look = async (): Promise<void> => {
    if (file.loads > loads) {
      isMended = seen === undefined;
      misses = 0;
    }
    const text = await loadFile(file, ports).catch(error => {
      // Whoever renders next is told why.
      if (!(error instanceof DaemonError)) throw error;
      return undefined;
    });
    if (closed) return;
    loads = file.loads;
    misses = text === undefined ? misses + 1 : 0;
    // One that is being replaced may be away for a moment.
    if (misses !== 1) {
      // What could not be read before is a change, too.
      if ((text !== seen || isMended) && !(isFirst && seen === undefined)) onChange();
      seen = text;
      isMended = false;
    }
    isFirst = false;
    cancel = ports.clock.after(POLL_MS, () => void look());
  };
  void look();
  return () => {
    closed = true;
    cancel();
  };
}
