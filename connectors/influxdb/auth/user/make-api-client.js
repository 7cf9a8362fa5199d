export default ({ credentials: { url, user, password } }) => ({
  baseUri: url.replace(/\/+$/, ''),
  ...(user ? { auth: { username: user, password: password ?? '' } } : {}),
})
