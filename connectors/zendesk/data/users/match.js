export default async function match({ apiClient, query }) {
  // Words of a search that stand beside each other must all be met.
  const words = Object.entries(query).map(([field, value]) => `${field}:"${String(value).replaceAll('"', '')}"`)
  const { users } = await apiClient.get('/api/v2/users/search.json', { query: words.join(' ') })
  const found = users.find((user) => Object.entries(query).every(([field, value]) => same(user[field], value)))
  return { record: found ?? null }
}

function same(theirs, wanted) {
  return String(theirs ?? '').toLowerCase() === String(wanted).toLowerCase()
}
