const COUNT = 100

export default async function list({ apiClient, cursor }) {
  const skip = Number(cursor ?? 0)
  const { items } = await apiClient.get('/v1/customers', { count: COUNT, skip })
  return { records: items, cursor: items.length === COUNT ? String(skip + COUNT) : undefined }
}
