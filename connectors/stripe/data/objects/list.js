export default async function list({ apiClient, parameters, filter, cursor }) {
  const page = await apiClient.get(`/v1/${parameters.path}`, { limit: 100, starting_after: cursor, ...filter })
  return { records: page.data, cursor: page.has_more ? page.data.at(-1)?.id : undefined }
}
