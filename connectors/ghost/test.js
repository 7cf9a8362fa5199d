export default async function test({ apiClient }) {
  const answer = await apiClient.get('/posts/', { limit: 1 })
  return Array.isArray(answer.posts)
}
