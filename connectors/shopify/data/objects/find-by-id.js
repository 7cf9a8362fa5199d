export default async function findById({ apiClient, parameters, id }) {
  const answer = await apiClient.get(`/${parameters.path}/${encodeURIComponent(id)}.json`)
  return { record: answer[parameters.one] }
}
