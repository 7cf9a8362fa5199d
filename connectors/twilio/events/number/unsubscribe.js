const FORM = { headers: { 'content-type': 'application/x-www-form-urlencoded' } }

export default async function unsubscribe({ apiClient, state }) {
  if (!state.path) return
  const number = await apiClient.get(state.path)
  // Another one may have been set since.
  if (number.sms_url === state.uri) await apiClient.post(state.path, 'SmsUrl=', FORM)
}
