export default async function test({ apiClient }) {
  const answer = await apiClient.get('/organizations', { limit: 1 })
  return Array.isArray(answer.data)
}
