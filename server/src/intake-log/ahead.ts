import { AckPolicy, DeliverPolicy, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import type { Heard } from './follower.ts'

/** Messages that are looked up at once, at most. */
const LOOKED_UP_MAX = 512
const FETCH_MS = 2000
/** What is not deleted is forgotten after this long. */
const INACTIVE_MS = 10_000

/**
 * Messages behind a sequence, as a consumer sees them, without their data. It may lack some, and give none
 * where it fails: whoever asks treats them as hints.
 */
export async function messagesAhead(
  { manager, client }: { manager: JetStreamManager; client: JetStreamClient },
  { stream, after }: { stream: string; after: number },
): Promise<Heard[]> {
  const found: Heard[] = []
  try {
    const { name, num_pending } = await manager.consumers.add(stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: after + 1,
      ack_policy: AckPolicy.None,
      headers_only: true,
      inactive_threshold: nanos(INACTIVE_MS),
      mem_storage: true,
      num_replicas: 1,
    })
    const count = Math.min(num_pending, LOOKED_UP_MAX)
    if (count > 0) {
      const consumer = await client.consumers.get(stream, name)
      for await (const message of await consumer.fetch({ max_messages: count, expires: FETCH_MS }))
        found.push({ sequence: message.seq, bytes: Number(message.headers?.get('Nats-Msg-Size') ?? 0) })
    }
    await manager.consumers.delete(stream, name)
  } catch {
    // What was found is of use all the same.
  }
  return found
}
