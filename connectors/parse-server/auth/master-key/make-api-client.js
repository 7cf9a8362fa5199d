export default function makeApiClient({ credentials }) {
  return {
    baseUri: credentials.serverUrl.replace(/\/+$/, ''),
    headers: {
      'x-parse-application-id': credentials.applicationId,
      'x-parse-master-key': credentials.masterKey,
    },
  }
}
