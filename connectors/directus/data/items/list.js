const LIMIT = 100

export default async function list({ apiClient, parameters, cursor }) {
  const page = Number(cursor ?? 1)
  const answer = await apiClient.get(`/items/${encodeURIComponent(parameters.collection)}`, { limit: LIMIT, page })
  return { records: answer.data, cursor: answer.data.length === LIMIT ? String(page + 1) : undefined }
}
