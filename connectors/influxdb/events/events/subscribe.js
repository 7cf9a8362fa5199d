// InfluxDB signs nothing, but sends a user and password that stand in the address; and it wants a port there.
import { createHash, randomBytes } from 'node:crypto'

const quoted = (name) => `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

async function query(apiClient, q) {
  const { results } = await apiClient.post('/query', new URLSearchParams({ q }))
  // A statement that fails is answered 200.
  if (results[0].error) throw new Error(`InfluxDB: ${results[0].error}`)
  return results[0].series ?? []
}

/** An address is taken apart by hand, since URL drops the port that its scheme has anyway. */
function withSecret(uri, secret) {
  const [, scheme, host, rest] = /^(https?):\/\/([^/]+)(.*)$/.exec(uri)
  const port = /:\d+$/.test(host) ? '' : scheme === 'https' ? ':443' : ':80'
  return `${scheme}://permea:${secret}@${host}${port}${rest}`
}

export default async ({ apiClient, webhookUri, parameters }) => {
  const { database, retentionPolicy = 'autogen' } = parameters
  const name = `permea_${createHash('sha256').update(webhookUri).digest('hex').slice(0, 16)}`
  const secret = randomBytes(24).toString('base64url')
  const on = `${quoted(name)} ON ${quoted(database)}.${quoted(retentionPolicy)}`
  const series = await query(apiClient, 'SHOW SUBSCRIPTIONS')
  const isThere = series.some(
    (each) => each.name === database && each.values.some(([policy, own]) => policy === retentionPolicy && own === name),
  )
  // Ours, of a try whose end nobody heard of: its secret is not known any more.
  if (isThere) await query(apiClient, `DROP SUBSCRIPTION ${on}`)
  await query(apiClient, `CREATE SUBSCRIPTION ${on} DESTINATIONS ALL '${withSecret(webhookUri, secret)}'`)
  return { state: { name, database, retentionPolicy, secret } }
}
