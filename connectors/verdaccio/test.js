export default async function test({ apiClient }) {
  const answer = await apiClient.get('/-/whoami')
  return typeof answer.username === 'string'
}
