export default async function test({ apiClient }) {
  // Only the master key may read it.
  const hooks = await apiClient.get('/hooks/triggers')
  return Array.isArray(hooks)
}
