import apps from 'grant/config/oauth.json' with { type: 'json' }
import profiles from 'grant/config/profile.json' with { type: 'json' }
import grant from 'grant/package.json' with { type: 'json' }

interface OAuthApp {
  key: string
  authorizeUri: string
  tokenUri: string
  /** What stands between scopes. */
  between: string
  /** Where the app tells who a token is of; null where nobody says. */
  profileUri: string | null
}

/** Where the list is behind: apps of today cannot use what it names. */
const NEWER: Record<string, Pick<OAuthApp, 'authorizeUri' | 'tokenUri'>> = {
  // https://docs.slack.dev/authentication/installing-with-oauth
  slack: { authorizeUri: 'https://slack.com/oauth/v2/authorize', tokenUri: 'https://slack.com/api/oauth.v2.access' },
}

/**
 * Apps with OAuth 2.0 as the package `grant` lists them.
 *
 * @source https://github.com/simov/grant, MIT
 */
function oauthApps(): OAuthApp[] {
  const known: Record<string, { profile_url?: string }> = profiles
  return Object.entries(apps as Record<string, GrantApp>)
    .filter(([, app]) => app.oauth === 2)
    .map(([key, app]) => ({
      key,
      authorizeUri: app.authorize_url,
      tokenUri: app.access_url,
      between: app.scope_delimiter ?? ',',
      profileUri: known[key]?.profile_url ?? null,
      ...NEWER[key],
    }))
    .sort((one, other) => (one.key < other.key ? -1 : 1))
}

interface GrantApp {
  oauth: number
  authorize_url: string
  access_url: string
  scope_delimiter?: string
}

const AT = 'connectors/oauth-app/auth/oauth'

/** What is printed from the list: functions of the connector that needs nothing but an id and a secret, and its page. */
export function oauthAppFiles(command: string): Record<string, string> {
  const all = oauthApps()
  const from = `from the list of the package grant ${grant.version} by \`${command}\`; change it there.`
  return {
    [`${AT}/get-oauth-config.js`]: configFunction(all, from),
    [`${AT}/make-api-client.js`]: clientFunction(all, from),
    [`${AT}/test.js`]: testFunction(all, from),
    [`${AT}/spec.yml`]: spec(all, from),
    'docs/use/oauth-apps.md': page(all, from),
  }
}

const configFunction = (all: readonly OAuthApp[], from: string) => `// Printed ${from}
// Each app: where people are sent, where a code becomes a token, and what stands between scopes.
const APPS = \`
${all.map(({ key, authorizeUri, tokenUri, between }) => `${key} ${authorizeUri} ${tokenUri} ${between === ' ' ? 'space' : between}`).join('\n')}
\`
// These want id and secret in a header.
const IN_HEADER = /^(?:autodesk|ebay|fitbit|homeaway|hootsuite|notion|reddit|trustpilot|twitter2)$/

export default function getOAuthConfig({ connectorParameters: given, connectionInput }) {
  const row = APPS.split('\\n').find((each) => each.startsWith(\`\${given.app} \`))
  if (row === undefined && !(given.authorizeUri && given.tokenUri))
    throw new Error(\`\${given.app} is not in the list: give authorizeUri and tokenUri\`)
  const [, authorizeUri, tokenUri, between = 'space'] = row?.split(' ') ?? []
  const subdomain = connectionInput?.subdomain ?? given.subdomain
  const filled = (uri) => {
    if (!uri.includes('[subdomain]')) return uri
    if (!/^[a-z0-9-]+(?:\\.[a-z0-9-]+)*$/i.test(subdomain ?? ''))
      throw new Error('subdomain is missing: the part of the address that is the account’s own')
    return uri.replace('[subdomain]', subdomain)
  }
  const scopes = given.scopes ?? []
  return {
    clientId: given.clientId,
    clientSecret: given.clientSecret,
    authorizeUri: filled(given.authorizeUri || authorizeUri),
    tokenUri: filled(given.tokenUri || tokenUri),
    clientAuthLocation: given.clientAuthLocation ?? (IN_HEADER.test(given.app) ? 'headers' : 'body'),
    skipPkce: given.pkce !== true,
    extra: {
      ...(scopes.length > 0 ? { scope: scopes.join(between === 'space' ? ' ' : between) } : {}),
      ...given.authorizeParameters,
    },
  }
}
`

const clientFunction = (all: readonly OAuthApp[], from: string) => `// Printed ${from}
// Each app: where it tells who a token is of; its API is at the same origin.
const PROFILES = \`
${all.flatMap(({ key, profileUri }) => (profileUri === null ? [] : [`${key} ${profileUri}`])).join('\n')}
\`

export default function makeApiClient({ credentials, connectorParameters: given, connectionInput }) {
  const row = PROFILES.split('\\n').find((each) => each.startsWith(\`\${given.app} \`))
  const uri = given.apiUri || (row === undefined ? '' : /^https?:\\/\\/[^/?]+/.exec(row.split(' ')[1])[0])
  if (uri === '') throw new Error(\`apiUri is missing: where the API of \${given.app} is\`)
  const subdomain = connectionInput?.subdomain ?? given.subdomain
  if (uri.includes('[subdomain]') && !/^[a-z0-9-]+(?:\\.[a-z0-9-]+)*$/i.test(subdomain ?? ''))
    throw new Error('subdomain is missing: the part of the address that is the account’s own')
  return {
    baseUri: uri.replace('[subdomain]', subdomain),
    headers: { authorization: \`Bearer \${credentials.access_token}\` },
  }
}
`

const testFunction = (all: readonly OAuthApp[], from: string) => `// Printed ${from}
// Each app: where, at its API, it tells who a token is of.
const PATHS = \`
${all.flatMap(({ key, profileUri }) => (profileUri === null ? [] : [`${key} ${profileUri.replace(/^https?:\/\/[^/?]+/, '')}`])).join('\n')}
\`

export default async function test({ apiClient, connectorParameters: given }) {
  if (given.testPath) return (await apiClient.get(given.testPath))?.ok !== false
  const row = PATHS.split('\\n').find((each) => each.startsWith(\`\${given.app} \`))
  // Nobody knows what to ask an API for that is elsewhere.
  if (row === undefined || given.apiUri) return true
  try {
    // There are apps that say it beside a status of 200.
    return (await apiClient.get(row.split(' ')[1]))?.ok !== false
  } catch (error) {
    const status = error.data?.status
    if (status === undefined) throw error
    // What else an app may answer, to a token of few rights or at an address of former days, says nothing of the token.
    return status !== 401
  }
}
`

const spec = (all: readonly OAuthApp[], from: string) => `# Printed ${from}
type: oauth2
title: With an id and a secret
inputSchema:
  type: object
  required: [subdomain]
  properties:
    subdomain:
      type: string
      title: Subdomain
      description: The part of the app's address that is your account's own.
      # Where an address of the app has a place for it, and the integration does not say which.
      askedWhere:
        - { authorizeUri: { contains: '[subdomain]' } }
        - { tokenUri: { contains: '[subdomain]' } }
        - { apiUri: { contains: '[subdomain]' } }
        - { authorizeUri: { given: false }, app: { is: ${ofAccounts(all, 'authorizeUri')} } }
        - { tokenUri: { given: false }, app: { is: ${ofAccounts(all, 'tokenUri')} } }
        - { apiUri: { given: false }, app: { is: ${ofAccounts(all, 'profileUri')} } }
connectorParametersSchema:
  type: object
  required: [app, clientId, clientSecret]
  properties:
    app:
      type: string
      title: App
      examples: [${all
        .slice(0, 3)
        .map(({ key }) => `'${key}'`)
        .join(', ')}]
      description: As in docs/use/oauth-apps.md; any other name where both addresses are given.
    clientId: { type: string, title: Client ID }
    clientSecret: { type: string, format: password, title: Client secret }
    scopes: { type: array, title: Scopes, items: { type: string } }
    subdomain: { type: string, title: Subdomain }
    apiUri: { type: string, title: Address of the API, description: That of the app in the list where it is left out. }
    testPath: { type: string, title: Path to test tokens with, description: 'Below the address of the API: answered with 2xx where a token is good.' }
    authorizeUri: { type: string, title: Authorize address, description: In the place of the one in the list. }
    tokenUri: { type: string, title: Token address, description: In the place of the one in the list. }
    clientAuthLocation: { type: string, title: Where id and secret stand, enum: [body, headers] }
    pkce: { type: boolean, title: With PKCE }
    authorizeParameters: { type: object, title: Further parameters of the authorize address }
`

/** Apps that have such an address for each account. */
function ofAccounts(all: readonly OAuthApp[], address: 'authorizeUri' | 'tokenUri' | 'profileUri'): string {
  return `[${all.flatMap((app) => (app[address]?.includes('[subdomain]') ? [app.key] : [])).join(', ')}]`
}

const page = (all: readonly OAuthApp[], from: string) => `<!-- Printed ${from} -->

# Apps that need an id and a secret only

The ready-made connector \`oauth-app\` connects any of these ${all.length} apps: make an integration of it with \`app\`, \`clientId\`,
\`clientSecret\` and \`scopes\`, and enter \`/oauth-callback\` of this engine as the redirect address in the app. Requests then go
through the proxy, actions and \`apiClient\`, with the token of the connection.

\`\`\`sh
send $URL/integrations -d '{ "key": "github", "name": "GitHub", "connectorKey": "oauth-app",
  "parameters": { "app": "github", "clientId": "…", "clientSecret": "…", "scopes": ["repo"] } }'
\`\`\`

- \`[subdomain]\` is the part of the address that each account has of its own: a parameter, or asked when connecting where an address needs it.
- The API is taken to be where the app tells whose a token is; \`apiUri\` says otherwise.
- After connecting, the app is asked whose the token is; one that answers 401 refuses it. \`testPath\` names another path
  of the API, and any answer but 2xx is a refusal then. Where nobody knows a path, tokens are believed.
- \`authorizeParameters\` are sent along, for example \`{"access_type": "offline"}\` for Google. \`pkce\` turns PKCE on.
- An app that is not here needs \`authorizeUri\`, \`tokenUri\` and \`apiUri\`. Whatever differs more needs a
  [connector](connectors.md#writing-a-connector).

| \`app\` | People are sent to | API |
|---|---|---|
${all.map(({ key, authorizeUri, profileUri }) => `| \`${key}\` | ${authorizeUri} | ${profileUri === null ? '–' : (/^https?:\/\/[^/?]+/.exec(profileUri)?.[0] ?? '–')} |`).join('\n')}
`
