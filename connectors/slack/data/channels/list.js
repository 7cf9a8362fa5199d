export default async function list({ apiClient, cursor }) {
  const asked = { limit: 200, types: 'public_channel,private_channel', ...(cursor ? { cursor } : {}) }
  const page = await apiClient.post('/conversations.list', new URLSearchParams(asked))
  return { records: page.channels, cursor: page.response_metadata?.next_cursor || undefined }
}
