export default async function test({ apiClient }) {
  await apiClient.get('/webhooks', { max_results: 1 })
  return true
}
