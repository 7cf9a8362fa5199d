export default async function test({ apiClient }) {
  const answer = await apiClient.get('/v1/payments', { count: 1 })
  return Array.isArray(answer.items)
}
