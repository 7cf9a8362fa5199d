export default async function test({ apiClient }) {
  const answer = await apiClient.get('/charges', { limit: 1 })
  return Array.isArray(answer.data)
}
