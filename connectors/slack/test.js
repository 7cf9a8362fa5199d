export default async function test({ apiClient }) {
  const answer = await apiClient.post('/auth.test')
  return answer.ok === true
}
