export default async function list({ apiClient, cursor }) {
  const page = await apiClient.post('/users.list', new URLSearchParams({ limit: 200, ...(cursor ? { cursor } : {}) }))
  return { records: page.members, cursor: page.response_metadata?.next_cursor || undefined }
}
