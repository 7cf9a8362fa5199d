export default async function test({ apiClient }) {
  const answer = await apiClient.get('/api/v2/users/me.json')
  return typeof answer.user?.id === 'number'
}
