/** What a function of a connector begins with, by its slot. */
export const STARTS: Readonly<Record<string, string>> = {
  getOAuthConfig: `export default ({ connectorParameters }) => ({
  clientId: connectorParameters.clientId,
  clientSecret: connectorParameters.clientSecret,
  authorizeUri: 'https://app.example.com/oauth/authorize',
  tokenUri: 'https://app.example.com/oauth/token',
  scopes: ['read'],
})
`,
  getTokenData: `export default (answer) => ({ access_token: answer.access_token })
`,
  getCredentialsFromConnectionParameters: `export default ({ connectionInput }) => ({ apiKey: connectionInput.apiKey })
`,
  getCredentialsFromAccessTokenResponse: `export default ({ accessTokenResponse }) => accessTokenResponse
`,
  getCredentialsFromRefreshTokenResponse: `export default ({ refreshTokenResponse }) => refreshTokenResponse
`,
  refreshCredentials: `export default async ({ credentials }) => ({ ...credentials })
`,
  makeApiClient: `export default ({ credentials }) => ({
  baseUri: 'https://api.example.com',
  headers: { Authorization: \`Bearer \${credentials.apiKey}\` },
})
`,
  test: `export default async ({ apiClient }) => {
  await apiClient.get('/me')
  return true
}
`,
  disconnect: `export default async ({ apiClient }) => {
  await apiClient.delete('/token')
}
`,
  subscribe: `export default async ({ apiClient, webhookUri }) => {
  const { id } = await apiClient.post('/webhooks', { url: webhookUri })
  return { state: { id } }
}
`,
  handle: `export default ({ data }) => ({ events: [data] })
`,
  unsubscribe: `export default async ({ apiClient, state }) => {
  await apiClient.delete(\`/webhooks/\${state.id}\`)
}
`,
  refresh: `export default async ({ apiClient, state }) => {
  await apiClient.post(\`/webhooks/\${state.id}/renew\`)
  return { state, nextRefreshTimestamp: Date.now() + 86_400_000 }
}
`,
  pull: `export default async ({ apiClient, state }) => {
  const found = await apiClient.get('/changes', { since: state?.since })
  return { events: found.items, state: { since: found.until } }
}
`,
  getEventSelector: `export default async ({ apiClient }) => {
  const { id } = await apiClient.get('/me')
  return { globalWebhookKey: 'app', globalWebhookEventSelector: String(id) }
}
`,
  run: `export default async ({ apiClient, input }) => apiClient.post('/things', input)
`,
  list: `export default async ({ apiClient, cursor }) => {
  const { items, next } = await apiClient.get('/things', { cursor })
  return { records: items, cursor: next }
}
`,
  findById: `export default async ({ apiClient, id }) => ({ record: await apiClient.get(\`/things/\${id}\`) })
`,
  match: `export default async ({ apiClient, query }) => {
  const { items } = await apiClient.get('/things', query)
  return { record: items[0] ?? null }
}
`,
  search: `export default async ({ apiClient, query, cursor }) => {
  const { items, next } = await apiClient.get('/things', { q: query, cursor })
  return { records: items, cursor: next }
}
`,
  create: `export default async ({ apiClient, fields }) => {
  const { id } = await apiClient.post('/things', fields)
  return { id }
}
`,
  update: `export default async ({ apiClient, id, fields }) => {
  await apiClient.patch(\`/things/\${id}\`, fields)
  return { id }
}
`,
  delete: `export default async ({ apiClient, id }) => {
  await apiClient.delete(\`/things/\${id}\`)
}
`,
  recordFromFields: `export default ({ fields }) => ({ id: fields.id, name: fields.name })
`,
  fieldsFromApi: `export default ({ fields }) => fields
`,
  fieldsToApi: `export default ({ fields }) => fields
`,
  recordFromApi: `export default ({ record }) => record
`,
  recordToApi: `export default ({ record }) => record
`,
  customFieldsSchema: `export default async ({ apiClient }) => ({ type: 'object', properties: await apiClient.get('/fields') })
`,
}
