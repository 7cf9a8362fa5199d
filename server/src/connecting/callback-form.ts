const CALLBACK_CHARS_MAX = 8000
/** What an answer may bring besides, and nobody asks for here. */
const NOT_IN_A_CALLBACK = ['id_token', 'access_token', 'user']

/** The address with what an app sent as a form (`response_mode=form_post`). */
export function callbackOf(body: unknown): string {
  const form = new URLSearchParams(body instanceof URLSearchParams ? body : '')
  for (const name of NOT_IN_A_CALLBACK) form.delete(name)
  return `/oauth-callback?${form.toString().slice(0, CALLBACK_CHARS_MAX)}`
}
