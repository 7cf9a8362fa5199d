export default async function match({ apiClient, query, parameters }) {
  const filters = Object.entries(query).map(([propertyName, value]) => ({ propertyName, operator: 'EQ', value }))
  const { results } = await apiClient.post(`/crm/v3/objects/${parameters.objectType}/search`, {
    filterGroups: [{ filters }],
    limit: 1,
    properties: parameters.properties.split(','),
  })
  return { record: results[0] ?? null }
}
