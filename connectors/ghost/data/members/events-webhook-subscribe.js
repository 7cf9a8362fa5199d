import { randomBytes } from 'node:crypto'

const EVENTS = { created: 'member.added', updated: 'member.edited', deleted: 'member.deleted' }

// Ghost cannot list webhooks, and has no second one with the same event and address.
export default async function subscribe({ apiClient, webhookUri, recordEvent }) {
  const secret = randomBytes(24).toString('base64url')
  const webhook = { event: EVENTS[recordEvent.type], target_url: webhookUri, name: 'Permea', secret }
  const { webhooks } = await apiClient.post('/webhooks/', { webhooks: [webhook] })
  return { state: { id: webhooks[0].id, secret } }
}
