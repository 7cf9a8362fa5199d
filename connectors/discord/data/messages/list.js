const LIMIT = 100

export default async function list({ apiClient, parameters, cursor }) {
  const path = `/channels/${encodeURIComponent(parameters.channel)}/messages`
  const records = await apiClient.get(path, { limit: LIMIT, before: cursor })
  return { records, cursor: records.length === LIMIT ? records.at(-1).id : undefined }
}
