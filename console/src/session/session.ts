import { CONSOLE_PATH, PAGES_PATH } from '../base.ts'
import { forgetDrafts } from '../forms/drafts.ts'

/** Who is signed in, as the page is told together with its token. */
export interface SignedIn {
  token: string
  workspace: { key: string; name: string; type: string; isExample: boolean; isMain: boolean }
  /** Every workspace that the session may go on in. */
  workspaces: { key: string; name: string; role: string }[]
  expiresAt: string
  /** Null for whoever has the workspace’s secret, or was let in by it. */
  person: { name: string; email: string } | null
  role: string
  permissions: string[]
}

export interface SessionState {
  isSignedIn: boolean
  /** The password was right, the code is missing. */
  isSecondFactorAwaited: boolean
  hasPassword: boolean
  /** What the button of single sign-on says; null where there is none. */
  singleSignOn: string | null
}

/** What signs in: an account, its second factor, an invitation; or the code of a link, the admin password, an admin token. */
export type Proof =
  | { email: string; password: string }
  | { secondFactor: string }
  | { link: string; name: string; password: string }
  | { code: string }
  | { password: string }
  | { token: string }

/** What a link is for that an owner handed over. */
export interface LinkState {
  kind: 'invitation' | 'password'
  email: string
  hasAccount: boolean
}

export const SESSION_URL = `${CONSOLE_PATH}/session`

/** The address names a workspace that is not there, or not for who is signed in. */
export class NoSuchWorkspace extends Error {}

/** A token for the API in a workspace, or the one that the session begins with; null where nobody is signed in (any more). */
export async function askForToken(workspaceKey: string | null): Promise<SignedIn | null> {
  const response = await fetch(`${SESSION_URL}/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(workspaceKey === null ? {} : { workspaceKey }),
  })
  if (response.status === 401) return null
  if (response.status === 404) throw new NoSuchWorkspace(`There is no workspace ${workspaceKey} for you.`)
  if (!response.ok) throw new Error(`The engine answered ${response.status} when asked for a token.`)
  return (await response.json()) as SignedIn
}

export async function askForSession(): Promise<SessionState> {
  const response = await fetch(SESSION_URL)
  if (!response.ok) throw new Error(`The engine answered ${response.status}.`)
  return (await response.json()) as SessionState
}

/** Whether somebody is in, or is to give a code first; rejects with what is wrong in words for people. */
export async function signIn(proof: Proof): Promise<'in' | 'second-factor'> {
  const response = await fetch(SESSION_URL, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(proof),
  })
  const { message, isSecondFactorAwaited } = (await response.json().catch(() => ({}))) as {
    message?: string
    isSecondFactorAwaited?: boolean
  }
  if (!response.ok) throw new Error(message ?? `The engine answered ${response.status}.`)
  return isSecondFactorAwaited === true ? 'second-factor' : 'in'
}

/** Null where the link is none that is good. */
export async function askForLink(link: string): Promise<LinkState | null> {
  const response = await fetch(`${SESSION_URL}/link`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ link }),
  })
  return response.ok ? ((await response.json()) as LinkState) : null
}

export async function signOut(where: 'here' | 'everywhere'): Promise<void> {
  const response =
    where === 'here'
      ? await fetch(SESSION_URL, { method: 'DELETE' })
      : await fetch(`${SESSION_URL}/sign-out-everywhere`, { method: 'POST' })
  const { signOutUrl } = (await response.json().catch(() => ({}))) as { signOutUrl?: string }
  forgetDrafts()
  location.assign(signOutUrl ?? `${PAGES_PATH}/sign-in`)
}
