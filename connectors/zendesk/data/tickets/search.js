export default async function search({ apiClient, query, cursor }) {
  const page = Number(cursor ?? 1)
  const answer = await apiClient.get('/api/v2/search.json', { query: `type:ticket ${query}`, page, per_page: 100 })
  return { records: answer.results, cursor: answer.next_page ? String(page + 1) : undefined }
}
