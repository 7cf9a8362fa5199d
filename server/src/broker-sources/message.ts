import { createHash } from 'node:crypto'
import { Refusal } from '../api/refusal.ts'
import { BodyProblem } from '../bodies/body-problem.ts'
import { BODY_BYTES_MAX } from '../bodies/limits.ts'
import type { EventRequest } from '../events/stages.ts'
import { eventsInBody, eventsOf } from '../ingress/events-in.ts'
import type { ArrivedMessage } from '../outbound/brokers/reading.ts'
import { toWire } from '../platform/ids.ts'
import type { BrokerSource } from './source.ts'

/** Longer ids are known by their hash. */
const ID_CHARS_MAX = 400
/** Standard Webhooks' name for what tells messages apart: what Permea itself sends has it. */
const USUAL_ID_HEADER = 'webhook-id'

/**
 * A message as a request at the global webhook of its event type; refuses what no event can be made of. Its id counts
 * within its source, so that what comes again is not stored again.
 */
export async function requestOf(
  { id, headers, body }: ArrivedMessage,
  source: Pick<BrokerSource, 'id' | 'customerHeader' | 'idHeader'>,
  webhookKey: string,
): Promise<{ request: EventRequest; bytes: number }> {
  if (body.length > BODY_BYTES_MAX)
    throw new Refusal('payload_too_large', `the message has ${body.length} bytes; at most ${BODY_BYTES_MAX} are taken`)
  if (body.length === 0) throw new Refusal('malformed_body', 'there is no event: the message is empty')
  const read = await eventsInBody(body, headers)
  const given = headers[source.idHeader ?? USUAL_ID_HEADER] ?? ''
  const own = given === '' ? id : given
  const request: EventRequest = {
    target: { kind: 'global', webhookKey },
    principal: null,
    internalId: source.customerHeader === null ? undefined : headers[source.customerHeader],
    ...(await eventsOf(read)),
    idempotencyKey: own === null ? null : `${toWire('bsr', source.id)}:${shortened(own)}`,
    trace: null,
  }
  return { request, bytes: read.text.length }
}

/** Why a message can never be taken in; null where that is not said of it. */
export function refusalIn(error: unknown): Pick<Refusal, 'key' | 'message'> | null {
  return error instanceof Refusal || error instanceof BodyProblem ? error : null
}

/** What tells a message from others that fail, as far as anything does. */
export function tellsApart({ id, body }: ArrivedMessage): string {
  return id ?? createHash('sha256').update(body).digest('base64')
}

function shortened(id: string): string {
  return id.length > ID_CHARS_MAX ? createHash('sha256').update(id).digest('base64url') : id
}
