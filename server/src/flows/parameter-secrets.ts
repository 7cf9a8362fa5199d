import type { ErrorData } from '@permea/contract'
import { errorData, wrongField } from '../api/refusal.ts'
import { missingSecrets, withKeptSecrets, withoutLiteralSecrets } from '../exchanges/literal-secrets.ts'

/** They are looked through wherever they are shown. */
export const PARAMETERS_CHARS_MAX = 256 * 1024

type Parameters = Record<string, unknown> | null

/** Parameters of a flow as everybody sees them: as nodes, without the secrets that stand in them. */
export function shownParameters(parameters: Parameters): Parameters {
  return withoutLiteralSecrets(parameters).shown as Parameters
}

/** The given parameters, with the stored secrets where they are given as they are shown; the stored ones for none given. */
export function keptParameters(given: Parameters | undefined, stored: Parameters): Parameters {
  if (given === undefined) return stored
  if (given !== null && JSON.stringify(given).length > PARAMETERS_CHARS_MAX) {
    throw wrongField('parameters', `longer than ${PARAMETERS_CHARS_MAX} characters as JSON`)
  }
  return stored === null ? given : (withKeptSecrets(given, stored) as Parameters)
}

/** Secrets that are given as they are shown while none is kept for them, as after an import into another workspace. */
export function missingParameters(parameters: Parameters): ErrorData[] {
  return missingSecrets(parameters).map((path) => {
    const message = `parameters.${path}: a secret is given as it is shown (***), and none is kept for it: give it`
    return errorData('invalid_flow', message, { nodeKey: '', path: `parameters.${path}`, isSecret: true })
  })
}
