import { randomBytes } from 'node:crypto'

const CREATE = 'mutation ($input: WebhookCreateInput!) { webhookCreate(input: $input) { success webhook { id } } }'

export default async function subscribe({ apiClient, webhookUri, parameters }) {
  const secret = randomBytes(32).toString('hex')
  const where = parameters.team ? { teamId: parameters.team } : { allPublicTeams: true }
  const input = { url: webhookUri, label: 'Permea', ...where, resourceTypes: ['Issue'], secret }
  const { data, errors } = await apiClient.post('/graphql', { query: CREATE, variables: { input } })
  if (!data?.webhookCreate?.success) throw new Error(errors?.[0]?.message ?? 'Linear did not make the webhook')
  return { state: { id: data.webhookCreate.webhook.id, secret } }
}
