export default async function test({ apiClient }) {
  const answer = await apiClient.get('/v3/domains')
  return Array.isArray(answer.items)
}
