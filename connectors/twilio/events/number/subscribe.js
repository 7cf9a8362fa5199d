const FORM = { headers: { 'content-type': 'application/x-www-form-urlencoded' } }

export default async function subscribe({ apiClient, webhookUri, parameters, credentials }) {
  const path = `/IncomingPhoneNumbers/${encodeURIComponent(parameters.numberSid)}.json`
  await apiClient.post(path, new URLSearchParams({ SmsUrl: webhookUri, SmsMethod: 'POST' }).toString(), FORM)
  return { state: { path, uri: webhookUri, secret: credentials.authToken } }
}
