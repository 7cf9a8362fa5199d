export default async function update({ apiClient, id, fields }) {
  const [owner, name] = id.split('/').map(encodeURIComponent)
  const { full_name } = await apiClient.patch(`/repos/${owner}/${name}`, fields)
  return { id: full_name }
}
