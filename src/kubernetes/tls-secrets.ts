import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Api} from './api.ts';
import {parseSecret} from './objects.ts';
import {openReflector, type ReflectionStatus} from './reflector.ts';

/** What a Secret holds for TLS, or why it holds nothing that serves. */
export type ToldSecret =
  | {readonly is: 'pair'; readonly chain: string; readonly key: string}
  | {readonly is: 'none'; readonly reason: string};

const TYPE = 'kubernetes.io/tls';

/** Reads a Secret of type kubernetes.io/tls. */
function readTlsSecret(object: unknown): ToldSecret {
  const secret = parseSecret(object);
  if (secret === undefined) return {is: 'none', reason: 'the API answered with something that is no Secret'};
  if (secret.type !== TYPE) return {is: 'none', reason: `its type is ${secret.type ?? 'absent'}, not ${TYPE}`};
  const {'tls.crt': chain, 'tls.key': key} = secret.values;
  if (chain === undefined || key === undefined) return {is: 'none', reason: 'it lacks tls.crt or tls.key'};
  return {is: 'pair', chain, key};
}

/** Follows Secrets of a namespace one by one, so that the verbs get and watch on just these names are enough. */
export function createSecretFollower(
  namespace: string,
  ports: {readonly api: Api; readonly clock: Clock; readonly log: Log},
) {
  return (
    name: string,
    onTold: (secret: ToldSecret) => void,
  ): {close(): void; readonly tried: Promise<void>; readonly status: ReflectionStatus} => {
    const take = (object: unknown) => onTold(readTlsSecret(object));
    const absent = () => onTold({is: 'none', reason: `there is no Secret ${name} in namespace ${namespace}`});
    const reflection = openReflector(
      {what: `secret ${namespace}/${name}`, path: `/api/v1/namespaces/${namespace}/secrets`, name},
      {replace: objects => (objects.length === 0 ? absent() : objects.forEach(take)), upsert: take, remove: absent},
      ports,
    );
    const tried = reflection.tried.then(() => {
      const {synced, reason} = reflection.status;
      if (!synced && reason !== null) onTold({is: 'none', reason});
    });
    return {
      close: reflection.close,
      tried,
      get status() {
        return reflection.status;
      },
    };
  };
}
