// Application services stand in files of the server. It knows the token of one once it has read its file.
export default async ({ apiClient, webhookUri, parameters }) => {
  try {
    const headers = { authorization: `Bearer ${parameters.appServiceToken}` }
    const { user_id: userId } = await apiClient.get('/_matrix/client/v3/account/whoami', {}, { headers })
    return { state: { userId } }
  } catch (error) {
    if (error.data?.status !== 401) throw error
    throw new Error(`put a registration with url: ${webhookUri} into app_service_config_files and restart the server`)
  }
}
