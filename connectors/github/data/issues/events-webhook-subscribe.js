import { randomBytes } from 'node:crypto'

export default async function subscribe({ apiClient, webhookUri, parameters }) {
  const { owner, repository } = parameters
  const hooksPath = `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repository)}/hooks`
  // A new secret every time: the app does not tell the one it has.
  const secret = randomBytes(32).toString('hex')
  const config = { url: webhookUri, content_type: 'json', secret, insecure_ssl: '0' }
  const { id } = await apiClient.post(hooksPath, { name: 'web', active: true, events: ['issues'], config })
  return { state: { secret, hookPath: `${hooksPath}/${id}` } }
}
