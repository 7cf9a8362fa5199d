import { answering, startReceiver } from './receiver.ts'
import { until } from './until.ts'

/** A span as a collector got it. */
export interface CollectedSpan {
  traceId: string
  spanId: string
  /** Null: the trace begins with it. */
  parentId: string | null
  name: string
  /** Of `opentelemetry.proto.trace.v1.Span.SpanKind`. */
  kind: number
  attributes: Record<string, string | number | boolean>
  links: { traceId: string; spanId: string }[]
  isError: boolean
  durationMs: number
  /** Of the process that sent it. */
  resource: Record<string, string | number | boolean>
}

/** A collector of OpenTelemetry that keeps the spans it is sent, over HTTP with protobuf. */
export interface Collector extends AsyncDisposable {
  url: string
  port: number
  spans: CollectedSpan[]
  /** Answers everything with a status from now on, and keeps nothing; null: as it should. */
  fail(status: number | null): void
  waitFor(what: string, holds: (spans: readonly CollectedSpan[]) => boolean): Promise<CollectedSpan[]>
}

const WAIT_MS_MAX = 30_000

export async function startCollector(): Promise<Collector> {
  const receiver = await startReceiver()
  const spans: CollectedSpan[] = []
  let failing: number | null = null
  receiver.behave((request, response) => {
    const isTraces = request.method === 'POST' && request.path === '/v1/traces'
    if (failing !== null || !isTraces) return answering(failing ?? 404)(request, response)
    spans.push(...spansIn(request.bytes))
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
  })
  return {
    url: receiver.url,
    port: receiver.port,
    spans,
    fail(status) {
      failing = status
    },
    async waitFor(what, holds) {
      await until(what, WAIT_MS_MAX, () => holds(spans)).catch((error: Error) => {
        const got = spans.map(({ traceId, parentId, spanId, name }) => `${traceId} ${parentId} > ${spanId} ${name}`)
        throw new Error(`${error.message}; it got\n${got.join('\n')}`)
      })
      return [...spans]
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  }
}

// ── protobuf ──

type Fields = Map<number, (Buffer | bigint)[]>

/** The fields of a message by their number. @source Protocol Buffers, encoding */
function fieldsOf(message: Buffer): Fields {
  const fields: Fields = new Map()
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]
      if (byte === undefined) throw new Error('the message is cut off')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < message.length) {
    const tag = Number(varint())
    const read = (): Buffer | bigint => {
      if ((tag & 7) === 0) return varint()
      const length = (tag & 7) === 1 ? 8 : (tag & 7) === 5 ? 4 : Number(varint())
      at += length
      const bytes = message.subarray(at - length, at)
      return (tag & 7) === 1 ? bytes.readBigUInt64LE() : bytes
    }
    const value = read()
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value])
  }
  return fields
}

const messages = (fields: Fields, number: number) =>
  (fields.get(number) ?? []).filter((each) => Buffer.isBuffer(each)).map(fieldsOf)
const bytesAt = (fields: Fields, number: number) => {
  const value = fields.get(number)?.[0]
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0)
}
const numberAt = (fields: Fields, number: number) => {
  const value = fields.get(number)?.[0]
  return typeof value === 'bigint' ? value : 0n
}

/** @source opentelemetry-proto, trace.proto and common.proto */
function spansIn(body: Buffer): CollectedSpan[] {
  return messages(fieldsOf(body), 1).flatMap((ofResource) => {
    const [resource] = messages(ofResource, 1)
    const about = resource === undefined ? {} : attributesIn(resource, 1)
    return messages(ofResource, 2).flatMap((scope) => messages(scope, 2).map((span) => spanOf(span, about)))
  })
}

function spanOf(span: Fields, resource: CollectedSpan['resource']): CollectedSpan {
  const parentId = bytesAt(span, 4).toString('hex')
  const [status] = messages(span, 15)
  return {
    traceId: bytesAt(span, 1).toString('hex'),
    spanId: bytesAt(span, 2).toString('hex'),
    parentId: parentId === '' ? null : parentId,
    name: bytesAt(span, 5).toString(),
    kind: Number(numberAt(span, 6)),
    attributes: attributesIn(span, 9),
    links: messages(span, 13).map((link) => ({
      traceId: bytesAt(link, 1).toString('hex'),
      spanId: bytesAt(link, 2).toString('hex'),
    })),
    isError: status !== undefined && numberAt(status, 3) === 2n,
    durationMs: Number((numberAt(span, 8) - numberAt(span, 7)) / 1_000_000n),
    resource,
  }
}

function attributesIn(fields: Fields, number: number): Record<string, string | number | boolean> {
  return Object.fromEntries(
    messages(fields, number).map((pair) => {
      const [value = new Map()] = messages(pair, 2)
      const text = value.has(1) ? bytesAt(value, 1).toString() : null
      return [
        bytesAt(pair, 1).toString(),
        text ?? (value.has(2) ? numberAt(value, 2) === 1n : Number(numberAt(value, 3))),
      ]
    }),
  )
}
