export default async function list({ apiClient, parameters, cursor }) {
  const asked = { 'page[size]': 100, 'page[after]': cursor }
  const answer = await apiClient.get(`/api/v2/${parameters.path}.json`, asked)
  const { has_more, after_cursor } = answer.meta ?? {}
  return { records: answer[parameters.path], cursor: has_more ? after_cursor : undefined }
}
