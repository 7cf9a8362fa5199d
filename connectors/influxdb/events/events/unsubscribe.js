const quoted = (name) => `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

export default async ({ apiClient, state: { name, database, retentionPolicy } }) => {
  const on = `${quoted(name)} ON ${quoted(database)}.${quoted(retentionPolicy)}`
  const { results } = await apiClient.post('/query', new URLSearchParams({ q: `DROP SUBSCRIPTION ${on}` }))
  const { error } = results[0]
  // Gone is gone: the subscription, or the database with it.
  if (error && !/not found/.test(error)) throw new Error(`InfluxDB: ${error}`)
}
