export default async function create({ apiClient, parameters, fields }) {
  const answer = await apiClient.post(`/api/v2/${parameters.path}.json`, { [parameters.one]: fields })
  return { id: answer[parameters.one].id }
}
