import { parseExactJson } from '@permea/contract'
import {
  codeSecretsOf,
  type LiteralSecrets,
  literalSecretsOf,
  tellingSecrets,
  withKeptSecrets,
  withLiteralSecrets,
  withoutLiteralSecrets,
} from '../exchanges/literal-secrets.ts'
import { type Mask, maskOf } from '../exchanges/mask.ts'
import { isRecord } from '../formulas/coercion.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { ActionContent } from './action.ts'

/** Where secrets may stand in an action. */
export type SecretParts = Pick<ActionContent, 'config' | 'outputMapping'>

/** With the secrets in them. */
export function openedParts(
  sealing: Pick<Sealing, 'open'>,
  { config, outputMapping, secretsSealed }: SecretParts & Pick<ActionContent, 'secretsSealed'>,
): SecretParts {
  if (secretsSealed === null) return { config, outputMapping }
  const secrets = parseExactJson(sealing.open(secretsSealed)) as LiteralSecrets
  return withLiteralSecrets({ config, outputMapping }, secrets) as SecretParts
}

/** As they are stored and shown. What is sealed already stays so: a secret that did not change is no change. */
export function sealedParts(
  sealing: Sealing,
  { config, outputMapping }: SecretParts,
  before: string | null,
): SecretParts & Pick<ActionContent, 'secretsSealed'> {
  const { shown, secrets } = withoutLiteralSecrets({ config, outputMapping })
  const text = secrets === null ? null : JSON.stringify(secrets)
  const isSame = before !== null && text !== null && sealing.open(before) === text
  return { ...(shown as SecretParts), secretsSealed: isSame ? before : text === null ? null : sealing.seal(text) }
}

/** What is given, with the stored secrets where they are given as they are shown; and whether they would go elsewhere. */
export function keptParts(given: SecretParts, stored: SecretParts): { kept: SecretParts; isElsewhere: boolean } {
  const kept = withKeptSecrets(given, stored) as SecretParts
  const isKeeping = JSON.stringify(kept) !== JSON.stringify(given)
  const shown = withoutLiteralSecrets(stored).shown as SecretParts
  return { kept, isElsewhere: isKeeping && targetOf(given.config) !== targetOf(shown.config) }
}

/** Everything that says where an action sends something: all of its configuration but the body of a request. */
function targetOf(config: unknown): string {
  if (!isRecord(config)) return JSON.stringify(config)
  const { body: _body, ...rest } = config
  if (!isRecord(rest.request)) return JSON.stringify(rest)
  return JSON.stringify({ ...rest, request: { ...rest.request, body: null } })
}

/** Takes the secrets of an action out of the record of its run; null where there is none. */
export function maskOfParts(parts: SecretParts): Mask | null {
  const secrets = tellingSecrets([...literalSecretsOf(parts), ...codeSecretsOf(parts)])
  return secrets.length === 0 ? null : maskOf({ args: {}, secrets })
}
