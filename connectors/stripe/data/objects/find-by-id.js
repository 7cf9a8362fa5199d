export default async function findById({ apiClient, parameters, id }) {
  const record = await apiClient.get(`/v1/${parameters.path}/${encodeURIComponent(id)}`)
  // What was deleted is still answered, as an id and that it was.
  return { record: record.deleted ? null : record }
}
