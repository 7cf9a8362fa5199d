export default async function search({ apiClient, query, cursor, parameters }) {
  const { results, paging } = await apiClient.post(`/crm/v3/objects/${parameters.objectType}/search`, {
    query,
    limit: 100,
    after: cursor,
    properties: parameters.properties.split(','),
  })
  return { records: results, cursor: paging?.next?.after }
}
