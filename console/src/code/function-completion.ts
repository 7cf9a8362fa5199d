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

const OF_A_WAY: readonly Offer[] = [
  { label: 'credentials', detail: 'of the connection' },
  { label: 'connectorParameters', detail: 'what the integration gives' },
  { label: 'connectionInput', detail: 'what the person gave' },
]
Object.assign(ARGUMENTS, {
  makeApiClient: OF_A_WAY,
  refreshCredentials: OF_A_WAY,
  getOAuthConfig: [
    ...OF_A_WAY.slice(1),
    { label: 'redirectUri', detail: 'where the app is to send the person back to' },
    { label: 'state', detail: 'what comes back with the person' },
  ],
  getCredentialsFromConnectionParameters: [{ label: 'connectionInput', detail: 'what the person gave' }],
  getCredentialsFromAccessTokenResponse: [{ label: 'accessTokenResponse', detail: 'of the token endpoint' }],
  getCredentialsFromRefreshTokenResponse: [{ label: 'refreshTokenResponse', detail: 'of the token endpoint' }],
  getEventSelector: [
    { label: 'apiClient', detail: 'the app, with the connection’s credentials' },
    { label: 'credentials', detail: 'of the connection' },
    { label: 'parameters', detail: 'of the subscription' },
  ],
} satisfies Record<string, readonly Offer[]>)

const CLIENT: readonly Offer[] = [
  { label: 'get', detail: '(path, query?, options?) → the body' },
  { label: 'post', detail: '(path, data?, options?) → the body' },
  { label: 'put', detail: '(path, data?, options?) → the body' },
  { label: 'patch', detail: '(path, data?, options?) → the body' },
  { label: 'delete', detail: '(path, data?, options?) → the body' },
]

const RETURNS: Record<string, readonly Offer[]> = {
  makeApiClient: [
    { label: 'baseUri', detail: 'what paths are added to' },
    { label: 'headers', detail: 'of every request' },
    { label: 'query', detail: 'of every request' },
    { label: 'auth', detail: '{ type, username, password, token }' },
  ],
  getOAuthConfig: [
    { label: 'clientId', detail: 'of the app that was registered' },
    { label: 'clientSecret', detail: 'of the app that was registered' },
    { label: 'authorizeUri', detail: 'where the person is sent to' },
    { label: 'tokenUri', detail: 'where tokens come from' },
    { label: 'scopes', detail: 'a list' },
  ],
  getEventSelector: [
    { label: 'globalWebhookKey', detail: 'at which it comes in' },
    { label: 'globalWebhookEventSelector', detail: 'what its handle calls such events' },
  ],
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
