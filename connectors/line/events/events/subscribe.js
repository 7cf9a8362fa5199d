export default async function subscribe({ apiClient, webhookUri, parameters }) {
  await apiClient.put('/v2/bot/channel/webhook/endpoint', { endpoint: webhookUri })
  return { state: { secret: parameters.secret } }
}
