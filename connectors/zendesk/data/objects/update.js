export default async function update({ apiClient, parameters, id, fields }) {
  const path = `/api/v2/${parameters.path}/${encodeURIComponent(id)}.json`
  const answer = await apiClient.put(path, { [parameters.one]: fields })
  return { id: answer[parameters.one].id }
}
