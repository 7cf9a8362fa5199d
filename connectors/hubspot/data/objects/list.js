export default async function list({ apiClient, parameters, cursor }) {
  const { results, paging } = await apiClient.get(`/crm/v3/objects/${parameters.objectType}`, {
    limit: 100,
    after: cursor,
    properties: parameters.properties.split(','),
  })
  return { records: results, cursor: paging?.next?.after }
}
