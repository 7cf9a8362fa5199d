export default async function test({ apiClient }) {
  const { data } = await apiClient.post('/graphql', { query: '{ viewer { id } }' })
  return data?.viewer?.id !== undefined
}
