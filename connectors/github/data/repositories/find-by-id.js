export default async function findById({ apiClient, id }) {
  const [owner, name] = id.split('/').map(encodeURIComponent)
  return { record: await apiClient.get(`/repos/${owner}/${name}`) }
}
