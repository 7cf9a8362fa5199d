export default async function listChannels({ apiClient, input }) {
  const answer = await apiClient.get('/conversations.list', {
    limit: 200,
    exclude_archived: true,
    types: 'public_channel,private_channel',
    cursor: input?.cursor,
  })
  const cursor = answer.response_metadata?.next_cursor
  return {
    channels: answer.channels.map(({ id, name, is_private }) => ({ id, name, isPrivate: is_private })),
    ...(cursor ? { cursor } : {}),
  }
}
