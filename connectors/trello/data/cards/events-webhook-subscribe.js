export default async function subscribe({ apiClient, webhookUri, parameters, credentials }) {
  const { id } = await apiClient.post('/1/webhooks', {
    idModel: parameters.board,
    callbackURL: webhookUri,
    description: 'Permea',
  })
  return { state: { id, secret: credentials.secret } }
}
