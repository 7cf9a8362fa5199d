export default async function test({ apiClient }) {
  const { shop } = await apiClient.get('/shop.json')
  return typeof shop?.id === 'number'
}
