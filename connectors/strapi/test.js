export default async function test({ apiClient }) {
  const answer = await apiClient.get('/admin/users/me')
  return answer.data?.id !== undefined
}
