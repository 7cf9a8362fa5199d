export default async function test({ apiClient }) {
  await apiClient.get('/v2/')
  return true
}
