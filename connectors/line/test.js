export default async function test({ apiClient }) {
  const answer = await apiClient.get('/v2/bot/info')
  return answer.userId !== undefined
}
