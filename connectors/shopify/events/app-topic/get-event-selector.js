export default async function getEventSelector({ apiClient, credentials, parameters }) {
  const shop = credentials?.shop ?? (await apiClient.get('/shop.json')).shop.myshopify_domain
  return {
    globalWebhookKey: 'app',
    globalWebhookEventSelector: parameters.topic ? `${shop}/${parameters.topic}` : shop,
  }
}
