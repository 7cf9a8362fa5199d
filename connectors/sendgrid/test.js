export default async function test({ apiClient }) {
  const answer = await apiClient.get('/v3/scopes')
  return Array.isArray(answer.scopes)
}
