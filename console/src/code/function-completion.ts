import type { CompletionContext, CompletionResult, CompletionSource } from '@codemirror/autocomplete'

interface Offer {
  label: string
  detail: string
}

/** What the arguments of functions have, by slot, and what they are. */
const ARGUMENTS: Record<string, readonly Offer[]> = {
  subscribe: [
    { label: 'apiClient', detail: 'the app, with the connection’s credentials' },
    { label: 'webhookUri', detail: 'where the app is to post events' },
    { label: 'parameters', detail: 'of the subscription' },
  ],
  handle: [
    { label: 'data', detail: 'the body of the webhook, parsed' },
    { label: 'rawBody', detail: 'the body as it came' },
    { label: 'headers', detail: 'of the webhook, in lower case' },
    { label: 'query', detail: 'of the webhook' },
    { label: 'method', detail: 'of the webhook' },
    { label: 'state', detail: 'what was returned last as state' },
    { label: 'parameters', detail: 'of the subscription' },
    { label: 'apiClient', detail: 'the app, with the connection’s credentials' },
  ],
  unsubscribe: [
    { label: 'apiClient', detail: 'the app, with the connection’s credentials' },
    { label: 'state', detail: 'what was returned last as state' },
    { label: 'parameters', detail: 'of the subscription' },
  ],
  refresh: [
    { label: 'apiClient', detail: 'the app, with the connection’s credentials' },
    { label: 'state', detail: 'what was returned last as state' },
    { label: 'webhookUri', detail: 'where the app is to post events' },
    { label: 'parameters', detail: 'of the subscription' },
  ],
  run: [
    { label: 'input', detail: 'what it is given' },
    { label: 'user', detail: 'the customer' },
    { label: 'apiClient', detail: 'the app, with the connection’s credentials' },
  ],
}

const CLIENT: readonly Offer[] = [
  { label: 'get', detail: '(path, { query, headers }) → { data, status, headers }' },
  { label: 'post', detail: '(path, body, { headers }) → { data, status, headers }' },
  { label: 'put', detail: '(path, body) → { data, status, headers }' },
  { label: 'patch', detail: '(path, body) → { data, status, headers }' },
  { label: 'delete', detail: '(path) → { data, status, headers }' },
]

const RETURNS: Record<string, readonly Offer[]> = {
  subscribe: [
    { label: 'state', detail: 'kept, given to the others' },
    { label: 'nextRefreshTimestamp', detail: 'when refresh is called, in ms since 1970' },
  ],
  handle: [
    { label: 'events', detail: 'a list: each becomes an event' },
    { label: 'response', detail: '{ status, headers, body } for the app' },
    { label: 'state', detail: 'kept in the place of the old one' },
  ],
  refresh: [
    { label: 'nextRefreshTimestamp', detail: 'when it is called next' },
    { label: 'state', detail: 'kept in the place of the old one' },
  ],
}

/** Offers the arguments of a function of this slot, the methods of its API client, and the fields of what it returns. */
export function functionCompletion(slot: string): CompletionSource {
  const args = ARGUMENTS[slot] ?? ARGUMENTS.run ?? []
  const fields = [...args, ...(RETURNS[slot] ?? [])]
  return (context: CompletionContext): CompletionResult | null => {
    const member = context.matchBefore(/\bapiClient\.\w*/)
    if (member !== null)
      return { from: member.from + 'apiClient.'.length, options: CLIENT.map((each) => ({ ...each, type: 'method' })) }
    const word = context.matchBefore(/(?<![.\w])\w+/)
    if (word === null && !context.explicit) return null
    return { from: word?.from ?? context.pos, options: fields.map((each) => ({ ...each, type: 'variable' })) }
  }
}
