export default async function update({ apiClient, id, fields }) {
  const card = await apiClient.put(`/1/cards/${encodeURIComponent(id)}?${queryOf(fields)}`)
  return { id: card.id }
}

// Trello takes fields in the query, lists with commas between.
function queryOf(fields) {
  return new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value ?? '')]))
}
