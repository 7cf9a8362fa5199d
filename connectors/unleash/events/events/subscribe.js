// A webhook of Unleash is an "addon". Its URL and secret are masked whenever Unleash shows it, so a registration of
// ours is known again by its description.
import { createHash, randomBytes } from 'node:crypto'

const markOf = (webhookUri) =>
  `event subscription ${createHash('sha256').update(webhookUri).digest('hex').slice(0, 16)}`

export default async ({ apiClient, webhookUri, parameters }) => {
  const description = markOf(webhookUri)
  const secret = randomBytes(24).toString('base64url')
  const addon = {
    provider: 'webhook',
    description,
    enabled: true,
    events: parameters.events ?? ['feature-created', 'feature-updated', 'feature-archived'],
    projects: parameters.projects ?? [],
    environments: parameters.environments ?? [],
    parameters: { url: webhookUri, contentType: 'application/json', authorization: `Bearer ${secret}` },
  }
  const { addons } = await apiClient.get('/api/admin/addons')
  const mine = addons.find((one) => one.provider === 'webhook' && one.description === description)
  const { id } = mine
    ? await apiClient.put(`/api/admin/addons/${mine.id}`, addon)
    : await apiClient.post('/api/admin/addons', addon)
  return { state: { id, secret } }
}
