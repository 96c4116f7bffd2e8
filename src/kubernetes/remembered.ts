import {isSystemFault, reasonOf} from '../errors.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {createQueue} from '../ports/queue.ts';
import type {ToldFacts} from './facts.ts';
import {fieldsOf, stringOf} from './objects.ts';

/** What the API said of this pod before the container was restarted: an outage then does not stop the new start. */
export interface RememberedFacts {
  /** Undefined when nothing was remembered of this very pod. */
  load(): Promise<ToldFacts | undefined>;
  /** Never rejects: what cannot be written down is missed only after a restart during an outage. */
  keep(told: ToldFacts): Promise<void>;
}

const TEXTS = ['uid', 'ip', 'nodeName', 'eip'] as const;
const MAPS = ['labels', 'annotations', 'nodeLabels', 'nodeAnnotations'] as const;

/** Facts of an unknown shape, as they were written down; what is of another kind is left out. */
function parseTold(value: unknown): ToldFacts {
  const fields = fieldsOf(value);
  const isMap = (entry: unknown) => Object.values(fieldsOf(entry)).every(text => typeof text === 'string');
  const texts = TEXTS.flatMap(name => (stringOf(fields[name]) === undefined ? [] : [[name, fields[name]]]));
  const maps = MAPS.flatMap(name =>
    fields[name] !== undefined && isMap(fields[name]) ? [[name, fieldsOf(fields[name])]] : [],
  );
  return Object.fromEntries([...texts, ...maps]);
}

/** Opens `path`, a file readable by us alone, for the pod of this namespace and name. */
export function openRememberedFacts(
  path: string,
  pod: {readonly namespace: string; readonly id: string},
  {files, log}: {files: Pick<Files, 'readText' | 'replace'>; log: Log},
): RememberedFacts {
  const writes = createQueue();
  return {
    async load() {
      let remembered: unknown;
      try {
        remembered = JSON.parse((await files.readText(path)) ?? '{}');
      } catch (error) {
        if (!isSystemFault(error) && !(error instanceof SyntaxError)) throw error;
        log.warn({reason: `${path}: ${reasonOf(error)}`}, 'remembered facts unreadable: going without them');
        return undefined;
      }
      const {namespace, id, told} = fieldsOf(remembered);
      return namespace === pod.namespace && id === pod.id ? parseTold(told) : undefined;
    },
    async keep(told) {
      const {namespace, id} = pod;
      const text = `${JSON.stringify({namespace, id, told})}\n`;
      await writes
        .add(() => files.replace(path, text, 0o600))
        .catch(error => {
          if (!isSystemFault(error)) throw error;
          log.warn({reason: reasonOf(error)}, 'cannot remember the facts of the pod');
        });
    },
  };
}
