export default async function update({ apiClient, id, fields }) {
  const path = `/posts/${encodeURIComponent(id)}/`
  // Ghost changes nothing for who does not know when it was changed last.
  const { updated_at } = (await apiClient.get(path)).posts[0]
  const answer = await apiClient.put(path, { posts: [{ ...fields, updated_at }] })
  return { id: answer.posts[0].id }
}
