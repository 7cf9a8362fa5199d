import { CONSOLE_PATH } from '../base.ts'
import { forgetDrafts } from '../forms/drafts.ts'

/** Who is signed in, as the page is told together with its token. */
export interface SignedIn {
  token: string
  workspace: { key: string; name: string; type: string; isExample: boolean }
  expiresAt: string
}

export interface SessionState {
  isSignedIn: boolean
  hasPassword: boolean
}

/** What signs in: the code of a link, the password, or an admin token. */
export type Proof = { code: string } | { password: string } | { token: string }

const SESSION_URL = `${CONSOLE_PATH}/session`

/** A token for the API; null where nobody is signed in (any more). */
export async function askForToken(): Promise<SignedIn | null> {
  const response = await fetch(`${SESSION_URL}/token`, { method: 'POST' })
  if (response.status === 401) return null
  if (!response.ok) throw new Error(`The engine answered ${response.status} when asked for a token.`)
  return (await response.json()) as SignedIn
}

export async function askForSession(): Promise<SessionState> {
  const response = await fetch(SESSION_URL)
  if (!response.ok) throw new Error(`The engine answered ${response.status}.`)
  return (await response.json()) as SessionState
}

/** Resolves with null once signed in, else with what is wrong in words for people. */
export async function signIn(proof: Proof): Promise<string | null> {
  const response = await fetch(SESSION_URL, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(proof),
  })
  if (response.ok) return null
  const { message } = (await response.json().catch(() => ({}))) as { message?: string }
  return message ?? `The engine answered ${response.status}.`
}

export async function signOut(where: 'here' | 'everywhere'): Promise<void> {
  if (where === 'here') await fetch(SESSION_URL, { method: 'DELETE' })
  else await fetch(`${SESSION_URL}/sign-out-everywhere`, { method: 'POST' })
  forgetDrafts()
  location.assign(`${CONSOLE_PATH}/sign-in`)
}
