export default async function match({ apiClient, query }) {
  const filter = Object.fromEntries(Object.entries(query).map(([field, exact]) => [field, { exact }]))
  const { customers } = await apiClient.post('/v2/customers/search', { limit: 1, query: { filter } })
  return { record: customers?.[0] ?? null }
}
