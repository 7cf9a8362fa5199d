export default async function test({ apiClient }) {
  const answer = await apiClient.get('/_matrix/client/versions')
  return Array.isArray(answer.versions)
}
