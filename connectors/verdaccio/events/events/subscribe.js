// Webhooks of Verdaccio stand in config.yaml (`notify`). Here only: does the token still work?
export default async ({ apiClient, webhookUri, parameters }) => {
  const { username } = await apiClient.get('/-/whoami')
  console.info(
    `config.yaml: notify.endpoint ${webhookUri}${parameters.token ? ' with Authorization: Bearer <token>' : ''}`,
  )
  return { state: { username } }
}
