export default async function test({ apiClient }) {
  const answer = await apiClient.get('/getMe')
  return answer.ok === true
}
