export default async function test({ apiClient }) {
  await apiClient.get('/api/admin/user')
  return true
}
