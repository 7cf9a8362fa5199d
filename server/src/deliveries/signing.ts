import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'

/** A new signing secret, as receivers' libraries take it. */
export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

/**
 * The headers that let a receiver check where a message comes from and that it is fresh. While a rotation overlaps,
 * the message is signed with both secrets.
 *
 * @source Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp`, `webhook-signature` (v1)
 */
export function signedHeaders(message: {
  id: string
  body: string
  at: Date
  secrets: readonly string[]
}): Record<string, string> {
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(Math.floor(message.at.getTime() / 1000)),
    'webhook-signature': message.secrets
      .map((secret) => new Webhook(secret).sign(message.id, message.at, message.body))
      .join(' '),
  }
}
