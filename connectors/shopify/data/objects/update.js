export default async function update({ apiClient, parameters, id, fields }) {
  const path = `/${parameters.path}/${encodeURIComponent(id)}.json`
  const answer = await apiClient.put(path, { [parameters.one]: { ...fields, id: Number(id) } })
  return { id: answer[parameters.one].id }
}
