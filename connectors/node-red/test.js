export default async function test({ apiClient }) {
  const answer = await apiClient.get('/settings')
  return answer.version !== undefined
}
