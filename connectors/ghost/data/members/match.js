export default async function match({ apiClient, query }) {
  // https://ghost.org/docs/content-api/#filtering: a quote within a text is written with a backslash.
  const email = query.email.replaceAll(/['\\]/g, '\\$&')
  const answer = await apiClient.get('/members/', { filter: `email:'${email}'`, limit: 1 })
  return { record: answer.members[0] ?? null }
}
