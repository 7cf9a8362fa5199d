export default async function test({ apiClient }) {
  const answer = await apiClient.get('/event-types')
  return Array.isArray(answer.data)
}
