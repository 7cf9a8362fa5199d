export default async function match({ apiClient, query }) {
  const value = Object.entries(query).map(([field, value]) => ({ field, operator: '=', value }))
  const answer = await apiClient.post('/contacts/search', {
    query: { operator: 'AND', value },
    pagination: { per_page: 1 },
  })
  return { record: answer.data[0] ?? null }
}
