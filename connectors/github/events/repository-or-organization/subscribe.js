import { randomBytes } from 'node:crypto'

export default async function subscribe({ apiClient, webhookUri, parameters }) {
  const { owner, repository, events } = parameters
  const hooksPath = repository
    ? `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repository)}/hooks`
    : `/orgs/${encodeURIComponent(owner)}/hooks`
  // A new secret every time: the app does not tell the one it has.
  const secret = randomBytes(32).toString('hex')
  const hook = {
    active: true,
    events: events?.length > 0 ? events : ['*'],
    config: { url: webhookUri, content_type: 'json', secret, insecure_ssl: '0' },
  }
  const existing = await findHook(apiClient, hooksPath, webhookUri)
  const { id } =
    existing === null
      ? await apiClient.post(hooksPath, { name: 'web', ...hook })
      : await apiClient.patch(`${hooksPath}/${existing.id}`, hook)
  return { state: { secret, hookPath: `${hooksPath}/${id}` } }
}

async function findHook(apiClient, hooksPath, webhookUri) {
  for (let page = 1; ; page += 1) {
    const hooks = await apiClient.get(hooksPath, { per_page: 100, page })
    const found = hooks.find((hook) => hook.config?.url === webhookUri)
    if (found !== undefined || hooks.length < 100) return found ?? null
  }
}
