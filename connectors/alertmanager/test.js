export default async function test({ apiClient }) {
  const answer = await apiClient.get('/api/v2/status')
  return answer.versionInfo !== undefined
}
