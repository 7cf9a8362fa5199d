export default async function create({ apiClient, fields }) {
  const { id } = await apiClient.post(`/1/cards?${queryOf(fields)}`)
  return { id }
}

// Trello takes fields in the query, lists with commas between.
function queryOf(fields) {
  return new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value ?? '')]))
}
