export default async function test({ apiClient }) {
  const account = await apiClient.get('/v1/account')
  return account.object === 'account'
}
