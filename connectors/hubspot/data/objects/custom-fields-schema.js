// https://developers.hubspot.com/docs/api/crm/properties
const TYPES = { number: 'number', bool: 'boolean' }

export default async function customFieldsSchema({ apiClient, parameters }) {
  const { results } = await apiClient.get(`/crm/v3/properties/${parameters.objectType}`)
  // Records come with the properties that are asked for, and no others.
  const asked = parameters.properties.split(',')
  const own = results.filter(({ name, hubspotDefined }) => hubspotDefined !== true && asked.includes(name))
  const fields = own.map(({ name, label, type, options, modificationMetadata }) => [
    name,
    {
      type: TYPES[type] ?? 'string',
      title: label,
      ...(type === 'enumeration' ? { enum: options.map(({ value }) => value) } : {}),
      ...(modificationMetadata?.readOnlyValue ? { readOnly: true } : {}),
    },
  ])
  return { type: 'object', properties: Object.fromEntries(fields) }
}
