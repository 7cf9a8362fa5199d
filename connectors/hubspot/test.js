export default async function test({ apiClient }) {
  const account = await apiClient.get('/account-info/v3/details')
  return typeof account.portalId === 'number'
}
