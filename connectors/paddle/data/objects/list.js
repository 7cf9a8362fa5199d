export default async function list({ apiClient, parameters, cursor }) {
  const asked = { per_page: 200, after: cursor }
  const { data, meta } = await apiClient.get(`/${parameters.path}`, asked)
  return { records: data, cursor: meta.pagination?.has_more ? data.at(-1)?.id : undefined }
}
