export default async function test({ apiClient }) {
  const answer = await apiClient.get('/creditors')
  return Array.isArray(answer.creditors)
}
