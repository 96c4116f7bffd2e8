import type {FastifyError} from 'fastify';

const NO_JSON = 'FST_ERR_CTP_INVALID_MEDIA_TYPE';

/** Why a request is refused before anything of it is done, and what would be taken instead. */
export function describeBadRequest({code, message, validation = []}: FastifyError): string {
  if (code === NO_JSON) return 'the body is JSON here: send it with "Content-Type: application/json"';
  const [fault] = validation;
  const allowed: unknown = fault?.params.allowedValues;
  if (Array.isArray(allowed)) return `${message}: ${allowed.join(', ')}`;
  const choices = validation.flatMap(({params}) =>
    params.missingProperty === undefined ? [] : [params.missingProperty],
  );
  return choices.length > 1 ? `give one of ${choices.join(', ')}` : message;
}
