export default async function findById({ apiClient, parameters, id }) {
  const path = `/crm/v3/objects/${parameters.objectType}/${encodeURIComponent(id)}`
  return { record: await apiClient.get(path, { properties: parameters.properties.split(',') }) }
}
