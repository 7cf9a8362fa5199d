export default async function createCustomer({ apiClient, input }) {
  const form = new URLSearchParams()
  for (const name of ['email', 'name', 'description']) if (input[name] !== undefined) form.append(name, input[name])
  for (const [name, value] of Object.entries(input.metadata ?? {})) form.append(`metadata[${name}]`, value)
  const { id } = await apiClient.post('/v1/customers', form.toString(), {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  return { id }
}
