import { createPrivateKey } from 'node:crypto'
import type { PubSubAddress } from './address.ts'
import { type Login, refusedFailure } from './broker.ts'
import { baseOf, type CloudKind, jsonOf, wordOf } from './cloud.ts'

/** Google takes tokens that are valid for an hour at most. */
const TOKEN_SECONDS = 600

/**
 * Publishes to a topic over the REST API. A service account proves itself with a token that it signs; there is no other
 * request for one.
 *
 * @source Google Cloud Pub/Sub REST, "projects.topics.publish"; Google AIP-4111, "Self-signed JWT"
 */
export const PUB_SUB: CloudKind<PubSubAddress> = {
  async request(address, login, { headers, body }) {
    const { orderingKey, topic } = address
    const message = {
      data: Buffer.from(body).toString('base64'),
      attributes: headers,
      ...(orderingKey === null ? {} : { orderingKey }),
    }
    return {
      url: `${baseOf(address)}/v1/${topic}:publish`,
      headers: { 'content-type': 'application/json', ...(await authorizationOf(login)) },
      body: JSON.stringify({ messages: [message] }),
    }
  },
  receipt(answer) {
    const { messageIds } = jsonOf(answer)
    const [id] = Array.isArray(messageIds) ? (messageIds as unknown[]) : []
    if (typeof id !== 'string') throw refusedFailure('refused', 'the answer does not say that the message was taken')
    return { messageId: id }
  },
  problem(answer) {
    const { error } = jsonOf(answer)
    const { status, message } = (error ?? {}) as { status?: unknown; message?: unknown }
    return { code: wordOf(status), words: wordOf(message) }
  },
}

/** Nothing for an emulator, a token that somebody made, or one signed by a service account: its address and private key. */
async function authorizationOf(login: Login | null): Promise<Record<string, string>> {
  if (login === null) return {}
  if ('token' in login) return { authorization: `Bearer ${login.token}` }
  const { SignJWT } = await import('jose')
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(login.user)
    .setSubject(login.user)
    .setAudience('https://pubsub.googleapis.com/')
    .setIssuedAt()
    .setExpirationTime(`${TOKEN_SECONDS}s`)
    .sign(privateKeyOf(login.password))
  return { authorization: `Bearer ${token}` }
}

/** A private key in PEM, also where its line breaks were lost in a field of one line or written as `\n`. */
function privateKeyOf(text: string) {
  const inner = text.replaceAll('\\n', '').replaceAll(/-----[A-Z ]+-----|\s/g, '')
  try {
    return createPrivateKey({ key: Buffer.from(inner, 'base64'), format: 'der', type: 'pkcs8' })
  } catch {
    throw refusedFailure('unauthorized', 'the password is not the private key of a service account (PEM, PKCS #8)')
  }
}
