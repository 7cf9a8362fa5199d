export default async function test({ apiClient }) {
  const { results } = await apiClient.get('/query', { q: 'SHOW DATABASES' })
  return results[0].error === undefined
}
