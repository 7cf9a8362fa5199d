const FORM = { headers: { 'content-type': 'application/x-www-form-urlencoded' } }

export default async function subscribe({ apiClient, webhookUri, parameters, credentials }) {
  const path = `/v3/domains/${encodeURIComponent(parameters.domain)}/webhooks`
  const events = parameters.events?.length > 0 ? parameters.events : ['delivered']
  for (const id of events) await apiClient.post(path, new URLSearchParams({ id, url: webhookUri }).toString(), FORM)
  return { state: { path, events, secret: credentials.signingKey } }
}
