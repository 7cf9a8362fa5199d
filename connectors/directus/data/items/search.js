const LIMIT = 100

export default async function search({ apiClient, parameters, query, cursor }) {
  const page = Number(cursor ?? 1)
  const asked = { search: query, limit: LIMIT, page }
  const answer = await apiClient.get(`/items/${encodeURIComponent(parameters.collection)}`, asked)
  return { records: answer.data, cursor: answer.data.length === LIMIT ? String(page + 1) : undefined }
}
