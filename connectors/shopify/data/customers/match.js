export default async function match({ apiClient, query }) {
  const words = Object.entries(query).map(([field, value]) => `${field}:"${String(value).replaceAll('"', '')}"`)
  const { customers } = await apiClient.get('/customers/search.json', { query: words.join(' '), limit: 1 })
  return { record: customers[0] ?? null }
}
