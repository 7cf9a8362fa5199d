export default async function subscribe({ apiClient, webhookUri, credentials }) {
  // Dropbox Sign asks at the URL while this request is under way.
  await apiClient.put('/v3/account', { callback_url: webhookUri })
  return { state: { uri: webhookUri, secret: credentials.apiKey } }
}
