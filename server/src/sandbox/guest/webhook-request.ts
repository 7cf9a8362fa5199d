import { Buffer } from './buffer.ts'
import { bytesBehind, isArray, parseJson, toLower, toText } from './intrinsics.ts'
import type { RequestLocator, Scheme } from './vendors/scheme.ts'
import { crc32, unzipSync } from './zlib.ts'

/** What the functions of `permea:webhooks` take: the argument of `handle`, as it is or as `request`, and options. */
export type Options = Record<string, unknown>

/** Why a request is refused. `reason` is one of a few words; the message is for people. */
export class WebhookVerificationError extends Error {
  readonly key = 'webhook_not_verified'
  readonly reason: string
  readonly data: { reason: string; vendor: string }

  constructor(vendor: string, reason: string, message: string) {
    super(`${vendor}: ${message}`)
    this.name = 'WebhookVerificationError'
    this.reason = reason
    this.data = { reason, vendor }
  }
}

/** A request as signatures see it. */
export class Request {
  readonly #given: Options
  readonly #scheme: Pick<Scheme, 'name' | 'isUnpacked' | 'payload'>
  readonly #headers: Record<string, string> = {}
  readonly body: Buffer
  #payload: { value: unknown } | null = null
  /** Parts of the proof, told by whoever reads it. */
  pairs: Record<string, string> = {}
  claims: Record<string, unknown> = {}
  /** The element of the payload that is looked at, where each has a proof of its own. */
  element: unknown

  constructor(options: Options, scheme: Pick<Scheme, 'name' | 'isUnpacked' | 'payload'>) {
    this.#given = { ...(options.request as Options | undefined), ...options }
    this.#scheme = scheme
    const { headers } = this.#given as { headers?: Record<string, unknown> }
    for (const [name, value] of Object.entries(headers ?? {}))
      this.#headers[toLower(name)] = isArray(value) ? value.join(', ') : toText(value)
    const raw = this.#rawBody()
    this.body = scheme.isUnpacked === true && raw[0] === 0x1f && raw[1] === 0x8b ? unzipSync(raw) : raw
  }

  get url(): string {
    const { url, webhookUri } = this.#given
    const known = url ?? webhookUri
    if (known === undefined) throw new TypeError(`${this.#scheme.name} signs the URL: give it as url`)
    return toText(known)
  }

  get method(): string {
    return toText(this.#given.method ?? 'POST')
  }

  /** When the request came in, which is earlier than now where it is handled again. */
  get receivedAtMs(): number {
    const { receivedAt } = this.#given
    if (receivedAt === undefined || receivedAt === null) return Date.now()
    return new Date(receivedAt as string).getTime()
  }

  option(name: string): unknown {
    return this.#given[name]
  }

  get payload(): unknown {
    this.#payload ??= { value: payloadOf(this.body, this.#headers['content-type'] ?? '', this.#scheme.payload) }
    return this.#payload.value
  }

  /** What stands somewhere in the request, as text; null where nothing does. `a|b` takes the first that is there. */
  at(locator: RequestLocator): string | null {
    const colon = locator.indexOf(':')
    const kind = locator.slice(0, colon)
    for (const name of locator.slice(colon + 1).split('|')) {
      const found = this.#found(kind, name)
      if (found !== null) return found
    }
    return null
  }

  /** The template with what it names; names that are not there are empty. */
  filled(template: string, more: Readonly<Record<string, string>> = {}): Buffer {
    const parts: Uint8Array[] = []
    let from = 0
    for (const match of template.matchAll(/\{([^{}]+)\}/g)) {
      parts.push(Buffer.from(template.slice(from, match.index)))
      parts.push(this.#named(match[1] ?? '', more))
      from = match.index + match[0].length
    }
    parts.push(Buffer.from(template.slice(from)))
    return Buffer.concat(parts)
  }

  #named(name: string, more: Readonly<Record<string, string>>): Uint8Array {
    if (Object.hasOwn(more, name)) return Buffer.from(more[name])
    if (name === 'body') return this.body
    if (name === 'crc32') return Buffer.from(toText(crc32(this.body)))
    const text =
      name === 'url'
        ? this.url
        : name === 'decodedUrl'
          ? decodedUrl(this.url)
          : name === 'method'
            ? this.method
            : name === 'path'
              ? new URL(this.url).pathname
              : name === 'sortedForm'
                ? sortedForm(this.body, this.#headers['content-type'] ?? '')
                : name === 'snsFields'
                  ? snsFields(this.payload)
                  : (this.at(name as RequestLocator) ?? '')
    return Buffer.from(text)
  }

  #found(kind: string, name: string): string | null {
    if (kind === 'header') return this.#headers[name] ?? null
    if (kind === 'query') return this.#query().get(name)
    if (kind === 'pair') return this.pairs[name] ?? null
    if (kind === 'claim') return textAt(this.claims, name)
    if (kind === 'option') return textOrNull(this.#given[name])
    if (kind === 'form') return new URLSearchParams(this.body.toString()).get(name)
    return textAt(this.element ?? this.payload, name)
  }

  #query(): URLSearchParams {
    const { url, query } = this.#given
    const mark = typeof url === 'string' ? url.indexOf('?') : -1
    if (typeof url === 'string' && mark !== -1) return new URLSearchParams(url.slice(mark))
    if (typeof query === 'string') return new URLSearchParams(query)
    const pairs: [string, string][] = []
    for (const [name, values] of Object.entries((query ?? {}) as Record<string, unknown>))
      for (const value of isArray(values) ? values : [values]) pairs.push([name, toText(value)])
    return new URLSearchParams(pairs)
  }

  #rawBody(): Buffer {
    const { rawBody, rawBodyBase64 } = this.#given
    if (typeof rawBodyBase64 === 'string') return Buffer.from(rawBodyBase64, 'base64')
    if (rawBody === undefined || rawBody === null) return Buffer.alloc(0)
    const bytes = bytesBehind(rawBody)
    if (bytes === null) throw new TypeError('rawBody must be the text or the bytes of the body')
    return Buffer.from(bytes)
  }
}

function payloadOf(body: Buffer, contentType: string, field: Scheme['payload']): unknown {
  const [kind = '', name = ''] = field?.split(':') ?? []
  const isForm = contentType.startsWith('application/x-www-form-urlencoded')
  if (kind === 'multipart' && contentType.startsWith('multipart/'))
    return jsonOrText(multipartField(body, contentType, name))
  if (kind === 'form' && isForm) {
    const form = new URLSearchParams(body.toString())
    if (form.has(name)) return jsonOrText(form.get(name) ?? '')
  }
  return isForm ? Object.fromEntries(new URLSearchParams(body.toString())) : jsonOrText(body.toString())
}

function jsonOrText(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return text === '' ? null : text
  }
}

/** @source RFC 7578 */
function multipartField(body: Buffer, contentType: string, name: string): string {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType)
  const parts = body.toString().split(`--${boundary?.[1] ?? boundary?.[2] ?? ''}`)
  for (const part of parts) {
    const end = part.indexOf('\r\n\r\n')
    const disposition = /content-disposition:[^\r\n]*/i.exec(part.slice(0, end))?.[0] ?? ''
    if (end !== -1 && /[;\s]name="([^"]*)"/i.exec(disposition)?.[1] === name)
      return part.slice(end + 4).replace(/\r\n$/, '')
  }
  return ''
}

function textAt(value: unknown, path: string): string | null {
  let found = value
  for (const step of path.split('.')) {
    if (typeof found !== 'object' || found === null) return null
    found = (found as Record<string, unknown>)[step]
  }
  return textOrNull(found)
}

function textOrNull(value: unknown): string | null {
  return value === undefined || value === null
    ? null
    : typeof value === 'object' && !isArray(value)
      ? null
      : toText(value)
}

/** Names and values of a form, each name with its values once and in order, all joined. */
function sortedForm(body: Buffer, contentType: string): string {
  if (!contentType.startsWith('application/x-www-form-urlencoded')) return ''
  const form = new URLSearchParams(body.toString())
  const names = [...new Set([...form].map(([name]) => name))].sort()
  return names
    .map((name) =>
      [...new Set(form.getAll(name))]
        .sort()
        .map((value) => name + value)
        .join(''),
    )
    .join('')
}

/** What HubSpot decodes of a URL before it signs it. */
function decodedUrl(url: string): string {
  return url.replace(/%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi, (escaped) => decodeURIComponent(escaped))
}

const SNS_FIELDS = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
const SNS_CONFIRMATION_FIELDS = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']

function snsFields(payload: unknown): string {
  const fields = textAt(payload, 'Type') === 'Notification' ? SNS_FIELDS : SNS_CONFIRMATION_FIELDS
  let text = ''
  for (const name of fields) {
    const value = textAt(payload, name)
    if (value !== null) text += `${name}\n${value}\n`
  }
  return text
}
