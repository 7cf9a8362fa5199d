const DELETE = 'mutation ($id: String!) { webhookDelete(id: $id) { success } }'

export default async function unsubscribe({ apiClient, state }) {
  if (state.id) await apiClient.post('/graphql', { query: DELETE, variables: { id: state.id } })
}
