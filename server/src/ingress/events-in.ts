import { Refusal } from '../api/refusal.ts'
import { type BodyHeaders, bodyAsValue, formatOf, headerOf, openBody } from '../bodies/body-value.ts'
import { parseJsonInTurns, parseJsonList } from '../bodies/json.ts'
import { JSON_CHARS_AT_ONCE } from '../bodies/limits.ts'

/** A value with its JSON text. */
export interface EventBody {
  value: unknown
  text: string
}

const BATCH_MAX = 10_000

/** What a body stands for: JSON, or a form as an object. Refuses what is neither, and what is too deep or too much. */
export async function eventsInBody(bytes: Buffer, headers: BodyHeaders): Promise<EventBody> {
  const opened = await openBody(bytes, headers)
  const { text } = opened
  const contentType = headerOf(headers, 'content-type')
  if (/^multipart\//i.test(contentType) || (text !== null && formatOf(contentType, text) === 'form')) {
    const form = await bodyAsValue(opened, headers)
    if (typeof form === 'object' && form !== null) return { value: form, text: JSON.stringify(form) }
  }
  if (text === null)
    throw new Refusal('malformed_body', 'the body is no text: it is neither UTF-8 nor in the charset that it declares')
  return { value: await parseJsonInTurns(text), text }
}

/** The events that were sent together, in order, each with its own text; a long batch is taken apart in turns. */
export async function eventsOf(body: EventBody): Promise<{ isBatch: boolean; events: EventBody[] }> {
  const isBatch = Array.isArray(body.value)
  const events = isBatch ? await elementsOf(body) : [body]
  if (events.length === 0) throw new Refusal('malformed_body', 'the batch is empty')
  if (events.length > BATCH_MAX) throw new Refusal('payload_too_large', `a batch has at most ${BATCH_MAX} events`)
  return { isBatch, events }
}

async function elementsOf({ value, text }: EventBody): Promise<EventBody[]> {
  if (text.length > JSON_CHARS_AT_ONCE) return (await parseJsonList(text)) ?? []
  return (value as unknown[]).map((each) => ({ value: each, text: JSON.stringify(each) }))
}
