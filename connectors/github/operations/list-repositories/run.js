export default async function listRepositories({ apiClient, input }) {
  const repositories = await apiClient.get('/user/repos', { per_page: 100, page: input?.page ?? 1, sort: 'full_name' })
  return repositories.map(({ id, name, full_name, html_url, owner, private: isPrivate }) => ({
    id,
    name,
    fullName: full_name,
    owner: owner.login,
    isPrivate,
    url: html_url,
  }))
}
