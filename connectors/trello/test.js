export default async function test({ apiClient }) {
  const answer = await apiClient.get('/1/members/me')
  return answer.id !== undefined
}
