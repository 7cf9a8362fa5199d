export default async function test({ apiClient }) {
  const answer = await apiClient.get('/v2/merchants/me')
  return answer.merchant?.id !== undefined
}
