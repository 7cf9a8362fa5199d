export default async function search({ apiClient, query }) {
  const { customers } = await apiClient.get('/customers/search.json', { query, limit: 250 })
  return { records: customers }
}
