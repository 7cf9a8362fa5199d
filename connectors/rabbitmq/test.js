export default async function test({ apiClient }) {
  const answer = await apiClient.get('/api/whoami')
  return answer.name !== undefined
}
