// https://docs.directus.io/reference/system/fields.html
const TYPES = { integer: 'integer', bigInteger: 'integer', float: 'number', decimal: 'number', boolean: 'boolean' }

export default async function customFieldsSchema({ apiClient, parameters }) {
  const { data } = await apiClient.get(`/fields/${encodeURIComponent(parameters.collection)}`)
  // Those without a type are of the form alone.
  const stored = data.filter(({ type }) => type !== 'alias')
  const fields = stored.map(({ field, type, schema }) => [
    field,
    {
      ...(type === 'json' || type === 'csv' ? {} : { type: TYPES[type] ?? 'string' }),
      ...(schema?.is_primary_key || schema?.is_generated ? { readOnly: true } : {}),
    },
  ])
  return { type: 'object', properties: Object.fromEntries(fields) }
}
