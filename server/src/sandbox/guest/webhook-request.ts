import { Buffer } from './buffer.ts'
import { bytesBehind, isArray, parseJson, splitText, startsWith, toLower, toText } from './intrinsics.ts'
import { joinedFields, jsonInBase64, SIGNED_TEXTS } from './signed-texts.ts'
import type { RequestLocator, Scheme } from './vendors/scheme.ts'
import { brotliDecompressSync, crc32, unzipSync, zstdDecompressSync } from './zlib.ts'

const NAMED = /\{([^{}]+)\}/g

const isForm = (contentType: string): boolean =>
  startsWith(toLower(contentType).trim(), 'application/x-www-form-urlencoded')

const UNPACKERS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: unzipSync,
  'x-gzip': unzipSync,
  deflate: unzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
}

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
  /** The form of the URL that is tried, where several count. */
  #triedUrl: string | null = null
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
      this.#headers[toLower(name)] = (isArray(value) ? value.join(', ') : toText(value)).trim()
    const raw = this.#rawBody()
    this.body = scheme.isUnpacked === true && raw[0] === 0x1f && raw[1] === 0x8b ? unzipSync(raw) : raw
  }

  get url(): string {
    if (this.#triedUrl !== null) return this.#triedUrl
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
    this.#payload ??= { value: this.#readPayload() }
    return this.#payload.value
  }

  #readPayload(): unknown {
    const [type, field] = [this.#headers['content-type'] ?? '', this.#scheme.payload]
    const { data } = this.#given
    // The fields of a multipart body come read with the argument of `handle`.
    const isRead = field === undefined && typeof data === 'object' && data !== null
    if (isRead && startsWith(toLower(type), 'multipart/')) return data
    return payloadOf(unpacked(this.body, this.#headers['content-encoding'] ?? ''), type, field)
  }

  /** Whether there is a body of which a signature of form fields says nothing. */
  get isBesideForm(): boolean {
    return this.body.length > 0 && !isForm(this.#headers['content-type'] ?? '')
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

  /** The template with what it names; names that are not there are empty, and what stands in `[…]` around one goes. */
  filled(template: string, more: Readonly<Record<string, string>> = {}, url: string | null = null): Buffer {
    this.#triedUrl = url
    const kept = template.replace(/\[([^\]]*)\]/g, (_whole, part: string) =>
      [...part.matchAll(NAMED)].every(([, name = '']) => this.#named(name, more).length > 0) ? part : '',
    )
    return this.#filled(kept, more)
  }

  #filled(template: string, more: Readonly<Record<string, string>>): Buffer {
    const parts: Uint8Array[] = []
    let from = 0
    for (const match of template.matchAll(NAMED)) {
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
    if (startsWith(name, 'lower:')) return Buffer.from(toLower(this.#filled(`{${name.slice(6)}}`, more).toString()))
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
                ? sortedForm(this.#form())
                : name === 'urlWithoutQuery'
                  ? this.url.replace(/[?#].*$/s, '')
                  : name === 'plivoUrl'
                    ? plivoUrl(this.url, this.#form())
                    : name === 'snsFields'
                      ? snsFields(this.payload)
                      : Object.hasOwn(SIGNED_TEXTS, name)
                        ? (SIGNED_TEXTS[name]?.(this) ?? '')
                        : startsWith(name, 'joinedFields')
                          ? joinedFields(this.#form(), splitText(name, '-').slice(1))
                          : (this.at(name as RequestLocator) ?? '')
    return Buffer.from(text)
  }

  #found(kind: string, name: string): string | null {
    if (kind === 'header') return this.#headers[name] ?? null
    if (kind === 'query') return this.#query().get(name)
    if (kind === 'pair') return this.pairs[name] ?? null
    if (kind === 'claim') return textAt(this.claims, name)
    if (kind === 'body') return this.body.length === 0 ? null : this.body.toString()
    if (kind === 'packed') {
      const dot = name.indexOf('.')
      return textAt(jsonInBase64(this.#headers[name.slice(0, dot)] ?? ''), name.slice(dot + 1))
    }
    if (kind === 'option') return textOrNull(this.#given[name])
    if (kind === 'form') return new URLSearchParams(this.body.toString()).get(name)
    return textAt(this.element ?? this.payload, name)
  }

  /** The fields of the body; none where it is no form. */
  #form(): URLSearchParams {
    return new URLSearchParams(isForm(this.#headers['content-type'] ?? '') ? this.body.toString() : '')
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

/** What a signature of packed bytes is about; bytes that something on the way has unpacked already are left as they are. */
function unpacked(body: Buffer, coding: string): Buffer {
  const name = toLower(coding)
  if (name === '' || !Object.hasOwn(UNPACKERS, name)) return body
  try {
    return UNPACKERS[name]?.(body) ?? body
  } catch {
    return body
  }
}

function payloadOf(body: Buffer, contentType: string, field: Scheme['payload']): unknown {
  const [kind = '', name = ''] = field?.split(':') ?? []
  const isOfFields = isForm(contentType)
  if (kind === 'multipart' && contentType.startsWith('multipart/'))
    return jsonOrText(multipartField(body, contentType, name))
  if (kind === 'form' && isOfFields) {
    const form = new URLSearchParams(body.toString())
    if (form.has(name)) return jsonOrText(form.get(name) ?? '')
  }
  return isOfFields ? Object.fromEntries(new URLSearchParams(body.toString())) : jsonOrText(body.toString())
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
function sortedForm(form: URLSearchParams): string {
  const seen = new Set<string>()
  const once = new URLSearchParams()
  for (const [name, value] of form) {
    const pair = JSON.stringify([name, value])
    if (!seen.has(pair)) once.append(name, value)
    seen.add(pair)
  }
  return sortedPairs(once)
    .map(([name, value]) => name + value)
    .join('')
}

function sortedPairs(fields: URLSearchParams): [name: string, value: string][] {
  const names = [...new Set([...fields].map(([name]) => name))].sort()
  return names.flatMap((name) =>
    fields
      .getAll(name)
      .sort()
      .map((value): [string, string] => [name, value]),
  )
}

/**
 * What version 3 of Plivo's signatures has of a request beside the nonce: the query in order and decoded, then the fields of
 * the form in order, each value as often as it was sent.
 *
 * @source `validateV3Signature` of plivo@4.79.0
 */
function plivoUrl(url: string, form: URLSearchParams): string {
  const [, base = '', query = ''] = /^([^?#]*)(?:\?([^#]*))?/s.exec(url) ?? []
  const asked = sortedPairs(new URLSearchParams(query))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  const sent = sortedPairs(form)
  const marked = asked === '' && sent.length === 0 ? base : `${base}?${asked}`
  const divided = asked !== '' && sent.length > 0 ? `${marked}.` : marked
  return divided + sent.map(([name, value]) => name + value).join('')
}

const USUAL_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }

/**
 * The URL with and without its port, as it is and as escaped by a parser: what a vendor signs is what a person entered, and
 * a proxy or a framework has made of it what arrives.
 *
 * @source `validateRequest` of twilio@6.3.1
 */
export function urlForms(url: string): string[] {
  const forms: string[] = []
  const escaped = URL.canParse(url) ? new URL(url).href : url
  const query = escaped.indexOf('?')
  const rewritten =
    query === -1 ? escaped : `${escaped.slice(0, query)}?${writtenQuery(new URLSearchParams(escaped.slice(query)))}`
  for (const each of [url, escaped, rewritten]) {
    const [, scheme = '', host = '', port, rest = ''] =
      /^([a-z][a-z0-9+.-]*:)\/\/((?:[^/?#@]*@)?(?:\[[^\]]*\]|[^/?#:]*))(:\d*)?(.*)$/is.exec(each) ?? []
    if (scheme === '') forms.push(each)
    else
      forms.push(
        `${scheme}//${host}${rest}`,
        `${scheme}//${host}${port ?? `:${USUAL_PORTS[toLower(scheme)] ?? '80'}`}${rest}`,
      )
  }
  return [...new Set(forms)]
}

/** A query as older frameworks write it again. */
function writtenQuery(query: URLSearchParams): string {
  const escaped = (text: string) => encodeURIComponent(text).replaceAll("'", '%27')
  return [...query].map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join('&')
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
