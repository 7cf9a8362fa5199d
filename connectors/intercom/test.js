export default async function test({ apiClient }) {
  const answer = await apiClient.get('/me')
  return answer.id !== undefined
}
