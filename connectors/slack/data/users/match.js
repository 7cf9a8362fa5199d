export default async function match({ apiClient, query }) {
  try {
    const { user } = await apiClient.post('/users.lookupByEmail', new URLSearchParams({ email: query.email }))
    return { record: user }
  } catch (error) {
    if (error.data?.error === 'users_not_found') return { record: null }
    throw error
  }
}
