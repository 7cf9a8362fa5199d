export default function makeApiClient({ credentials }) {
  const { subdomain, email, token } = credentials
  if (!/^[a-z0-9-]+$/i.test(subdomain)) throw new Error('the subdomain is the part before .zendesk.com')
  return { baseUri: `https://${subdomain}.zendesk.com`, auth: { username: `${email}/token`, password: token } }
}
