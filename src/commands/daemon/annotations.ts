import {parseTlsNames, TLS_ANNOTATION} from '../../certs/names.ts';
import type {LivePod} from '../../kubernetes/pod-facts.ts';
import {parseServices, SERVICES_ANNOTATION, type ServiceMapping} from '../../kubernetes/services.ts';
import type {Log} from '../../ports/log.ts';
import type {Context} from './context.ts';

/** The pod, as far as it is asked. */
interface Annotated {
  readonly facts: Pick<LivePod['facts'], 'annotations'>;
}

/** The names of certificates that the annotation asks for; those that are none are a warning. */
export function wantedCertificates({facts}: Annotated, log: Log): readonly string[] {
  const {names, refused} = parseTlsNames(facts.annotations[TLS_ANNOTATION]);
  if (refused.length > 0) log.warn({reason: refused.join(', ')}, `names in ${TLS_ANNOTATION} refused`);
  return names;
}

/** The Services that the annotation asks for; entries that are none, or that nobody can follow, are a warning. */
export function wantedServices({facts}: Annotated, api: Context['api'], log: Log): readonly ServiceMapping[] {
  const {mappings, refused} = parseServices(facts.annotations[SERVICES_ANNOTATION]);
  if (refused.length > 0) log.warn({reason: refused.join(', ')}, `entries of ${SERVICES_ANNOTATION} refused`);
  if (mappings.length > 0 && api === undefined) {
    log.warn({reason: `${SERVICES_ANNOTATION} needs the Kubernetes API`}, 'services cannot be followed');
  }
  return mappings;
}
