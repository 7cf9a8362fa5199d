// The number of an installation is no secret: whoever wants its events must have access to it, as the GitHub says that
// the App is of, and not a server that somebody named when they connected.
export default async function getEventSelector({ apiClient, credentials, parameters }) {
  if (credentials?.apiUri) throw new Error('installations belong to the GitHub that the integration is for')
  const wanted = String(parameters.installationId)
  for (let page = 1; ; page += 1) {
    const { installations } = await apiClient.get('/user/installations', { per_page: 100, page })
    if (installations.some(({ id }) => String(id) === wanted))
      return { globalWebhookKey: 'app', globalWebhookEventSelector: wanted }
    if (installations.length < 100)
      throw new Error(`who connected has no access to the installation ${wanted} of the GitHub App`)
  }
}
