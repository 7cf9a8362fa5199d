import { randomBytes } from 'node:crypto'

export default async function subscribe({ apiClient, webhookUri, parameters }) {
  const secret = randomBytes(32).toString('hex')
  const allowed_updates = parameters.events?.length > 0 ? parameters.events : ['message']
  await apiClient.post('/setWebhook', { url: webhookUri, secret_token: secret, allowed_updates })
  return { state: { id: webhookUri, secret } }
}
