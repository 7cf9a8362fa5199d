export default function makeApiClient({ credentials, connectorParameters }) {
  const server = connectorParameters.serverUri?.replace(/\/+$/, '')
  const ofServer = server ? `${server}/api/v3` : 'https://api.github.com'
  return {
    baseUri: credentials.apiUri ? credentials.apiUri.replace(/\/+$/, '') : ofServer,
    headers: {
      authorization: `Bearer ${credentials.access_token ?? credentials.token}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
    },
  }
}
