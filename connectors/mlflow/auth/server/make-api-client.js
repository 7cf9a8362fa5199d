export default ({ credentials: { url, user, password } }) => ({
  baseUri: `${url.replace(/\/+$/, '')}/api/2.0/mlflow`,
  ...(user ? { auth: { username: user, password: password ?? '' } } : {}),
})
