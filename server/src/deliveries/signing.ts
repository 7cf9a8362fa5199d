import { createHmac, randomBytes } from 'node:crypto'

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
  const timestamp = String(Math.floor(message.at.getTime() / 1000))
  const signed = `${message.id}.${timestamp}.${message.body}`
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': message.secrets
      .map((secret) => `v1,${createHmac('sha256', keyOf(secret)).update(signed).digest('base64')}`)
      .join(' '),
  }
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
}
