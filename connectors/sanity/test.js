export default async function test({ apiClient }) {
  const answer = await apiClient.get('/v2021-06-07/users/me')
  return answer.id !== undefined
}
