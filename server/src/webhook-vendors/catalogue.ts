import type { WebhookVendor } from '@permea/contract'
import { SCHEMES } from '../sandbox/guest/vendors/all.ts'
import { HANDSHAKES } from '../sandbox/guest/vendors/handshakes.ts'
import type { RequestLocator, Scheme } from '../sandbox/guest/vendors/scheme.ts'

/** Every vendor of `permea:webhooks`, by name; `connectorKeys` are the ready-made connectors there are. */
export function webhookVendorCatalogue(connectorKeys: readonly string[]): WebhookVendor[] {
  return Object.entries(SCHEMES)
    .map(([key, scheme]) => vendor(key, scheme, connectorKeys))
    .sort((one, other) => one.name.localeCompare(other.name, 'en'))
}

function vendor(key: string, scheme: Scheme, connectorKeys: readonly string[]): WebhookVendor {
  const { handshake: handshakeKey } = scheme
  const handshake = handshakeKey === undefined ? undefined : HANDSHAKES[handshakeKey]
  return {
    key,
    name: scheme.name,
    scheme: schemeInWords(scheme),
    toleranceSeconds: scheme.time?.tolerance ?? null,
    takes: { ...scheme.takes },
    handshake:
      handshake === undefined || handshakeKey === undefined
        ? null
        : { key: handshakeKey, when: handshake.when, withinSeconds: handshake.withinSeconds ?? null },
    eventId: scheme.id.map(placeInWords),
    answer: scheme.answer ?? null,
    handle: handleOf(key, scheme),
    dedupeKey: scheme.id.length === 0 ? null : { path: 'id' },
    parametersSchema: parametersOf(scheme.takes),
    connectorKey: connectorKeys.find((each) => each === kebab(key)) ?? null,
    source: scheme.source,
    checked: scheme.checked,
  }
}

const kebab = (key: string) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** A `handle` for the vendor: its handshake, then its signature, then the payload as the event. */
function handleOf(key: string, scheme: Scheme): string {
  const { handshake } = scheme
  const imports = handshake === undefined ? 'verify' : 'handshakes, verify'
  const shaking =
    handshake === undefined
      ? ''
      : `  const shaken = await handshakes.${handshake}(${given(HANDSHAKES[handshake]?.takes ?? {})})\n  if (shaken) return shaken\n\n`
  const id = scheme.id.length === 0 ? '' : `  // \`id\` is the same when ${scheme.name} sends this event again.\n`
  const verified = scheme.id.length === 0 ? '{ payload }' : '{ id, payload }'
  const event = scheme.id.length === 0 ? 'payload' : '{ id, payload }'
  return `import { ${imports} } from 'permea:webhooks'

export default async function handle(request) {
${shaking}${id}  const ${verified} = await verify.${key}(${given(scheme.takes)})
  return { events: [${event}] }
}
`
}

/** What a function is called with: a secret is in the state if `subscribe` put it there, else a parameter. */
function given(takes: Readonly<Record<string, string>>): string {
  const names = Object.keys(takes).filter((name) => name !== 'certificate')
  const options = names.map((name) => `${name}: request.state.${name} ?? request.parameters.${name}`)
  return `{ ${['request', ...options].join(', ')} }`
}

/** What a person copies from the app. */
function parametersOf(takes: Readonly<Record<string, string>>): Record<string, unknown> {
  const fields = Object.entries(takes).filter(([name]) => name !== 'certificate')
  const properties = fields.map(([name, title]) => [
    name,
    { type: 'string', title: `${title[0]?.toUpperCase()}${title.slice(1)}`, ...(name === 'secret' ? SECRET : {}) },
  ])
  return { type: 'object', required: fields.map(([name]) => name), properties: Object.fromEntries(properties) }
}

const SECRET = { format: 'password' }

const KEYS: Readonly<Record<string, string>> = {
  text: '',
  hex: ', key decoded from hex',
  base64: ', key decoded from base64',
  whsec: ', key decoded from base64 after whsec_',
  sha1: ', key is the SHA-1 of the secret',
  ampersand: ', key is the secret and &',
  nfkd: ', key in Unicode NFKD',
}

/** What is signed, how, and where the proof stands. */
function schemeInWords(scheme: Scheme): string {
  const { engine = 'hmac', hash = 'sha256', encoding = 'hex', key = 'text' } = scheme
  if (engine === 'none') return 'nothing is signed'
  const places = [scheme.at ?? []].flat().map(placeInWords).join(' or ')
  const fields = scheme.pairs === undefined ? '' : `, field ${scheme.pairs.fields.map(bare).join(' or ')}`
  const where = `in ${places}${fields}`
  if (engine === 'token') return `the secret itself, ${where}`
  if (engine === 'jwt') {
    const claims = Object.entries(scheme.claims ?? {}).map(
      ([claim, { of }]) => `, ${claim} is the SHA-256 of the ${of}`,
    )
    return `JWT (${(scheme.algorithms ?? []).join(', ')})${claims.join('')}, ${where}`
  }
  if (engine === 'message')
    return 'HTTP Message Signature (RFC 9421) that covers a digest of the body, in headers signature-input and signature'
  const signed = [scheme.signed ?? '{body}'].flat()[0] ?? ''
  const what =
    signed === '{body}'
      ? `the ${scheme.isUnpacked === true ? 'unpacked ' : ''}raw body`
      : signed.replaceAll('\n', '\\n')
  if (engine === 'jws') {
    const about = scheme.chain === undefined ? ` of ${what}, which it does not hold,` : ', with its certificates,'
    return `JWS (${(scheme.algorithms ?? []).join(', ')})${about} ${where}`
  }
  const prefix = scheme.prefix === undefined ? '' : ` after ${[scheme.prefix].flat()[0]}`
  const name = hash.toUpperCase().replace('SHA', 'SHA-')
  if (engine === 'digest') return `${name} of ${what}, ${encoding}${prefix}, ${where}`
  if (engine === 'hmac') return `HMAC-${name} of ${what}, ${encoding}${prefix}${KEYS[key]}, ${where}`
  const kind = scheme.publicKey?.startsWith('ed25519') === true ? 'Ed25519' : `signature with ${name}`
  const certificate =
    scheme.certificate === undefined ? '' : `, certificate from ${placeInWords(scheme.certificate.at)}`
  return `${kind} of ${what}, ${encoding}${prefix}${certificate}, ${where}`
}

const bare = (field: string) => field.replace(/^\{option:(.*)\}$/, 'named by $1')

const PLACES: Readonly<Record<string, string>> = {
  header: 'header',
  query: 'query',
  json: 'body',
  form: 'form',
  claim: 'claim',
  pair: 'signature field',
  option: 'option',
  body: 'body',
  packed: 'header (JSON in base64)',
}

function placeInWords(locator: RequestLocator): string {
  if (locator === 'body:text') return 'all of the body'
  const colon = locator.indexOf(':')
  return `${PLACES[locator.slice(0, colon)]} ${locator.slice(colon + 1).replaceAll('|', ' or ')}`
}
