// The registry has no API for this: the webhook stands in its configuration file. All that can be done
// here is to see that the registry answers and to say what to write into the file.
export default async ({ apiClient, webhookUri, parameters }) => {
  await apiClient.get('/v2/')
  console.info(`notifications.endpoints: url ${webhookUri}, header Authorization: Bearer <token of the subscription>`)
  return { state: { tokenGiven: Boolean(parameters.token) } }
}
