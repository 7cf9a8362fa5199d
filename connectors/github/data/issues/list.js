const PER_PAGE = 100

export default async function list({ apiClient, parameters: { owner, repository }, filter = {}, cursor }) {
  const page = Number(cursor ?? 1)
  const issues = await apiClient.get(`/repos/${owner}/${repository}/issues`, {
    state: filter.state ?? 'all',
    assignee: filter.assignee,
    labels: Array.isArray(filter.labels) ? filter.labels.join(',') : filter.labels,
    per_page: PER_PAGE,
    page,
  })
  return {
    // GitHub lists pull requests among the issues.
    records: issues.filter((issue) => issue.pull_request === undefined),
    cursor: issues.length === PER_PAGE ? String(page + 1) : undefined,
  }
}
