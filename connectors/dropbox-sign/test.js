export default async function test({ apiClient }) {
  const answer = await apiClient.get('/v3/account')
  return answer.account?.account_id !== undefined
}
