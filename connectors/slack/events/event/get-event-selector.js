export default async function getEventSelector({ apiClient, parameters }) {
  // What the token is good for, rather than what somebody says it is.
  const { team_id: teamId } = await apiClient.post('/auth.test')
  return {
    globalWebhookKey: 'events-api',
    globalWebhookEventSelector: parameters.eventType ? `${teamId}/${parameters.eventType}` : teamId,
  }
}
