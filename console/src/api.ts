import { parseExactJson } from '@permea/contract'
import { createPermea, type Permea, PermeaError } from '@permea/sdk'
import { QueryClient } from '@tanstack/react-query'
import { API_URL, NAMED_WORKSPACE, PAGES_PATH } from './base.ts'
import { keepDraftsApart } from './forms/drafts.ts'
import { askForToken, NoSuchWorkspace, type SignedIn } from './session/session.ts'

let signedIn: SignedIn | null = null

/** The session that the page began with; set before anything is shown. */
export function beginSession(session: SignedIn): void {
  signedIn = session
  keepDraftsApart(session.workspace)
}

/** Who is signed in. Only pages behind the sign-in ask. */
export function session(): SignedIn {
  if (signedIn === null) throw new Error('nobody is signed in')
  return signedIn
}

/** A token that is good now: kept in memory only, and asked for anew from the session when the engine refuses it. */
export async function freshToken(): Promise<string> {
  // Of the workspace that the page is about, whatever the session would begin with by now.
  const renewed = await askForToken(signedIn?.workspace.key ?? NAMED_WORKSPACE).catch(leftWorkspace)
  if (renewed === null) {
    location.assign(`${PAGES_PATH}/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`)
    return new Promise(() => {})
  }
  signedIn = renewed
  return renewed.token
}

/** Who was taken out of the workspace sees nothing of it any more. */
function leftWorkspace(problem: unknown): Promise<never> {
  if (!(problem instanceof NoSuchWorkspace)) throw problem
  location.reload()
  return new Promise(() => {})
}

let isFirst = true

/** The public API, as anybody may use it. */
export const permea: Permea = createPermea({
  baseUrl: API_URL,
  parseJson: parseExactJson,
  async fetchToken() {
    if (isFirst && signedIn !== null) {
      isFirst = false
      return signedIn.token
    }
    return freshToken()
  },
})

/** What an endpoint answers with. */
export type AnswerOf<Call extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<Call>>
/** What a list endpoint lists. */
export type ItemOf<Call extends (...args: never[]) => Promise<{ items: unknown[] }>> = AnswerOf<Call>['items'][number]

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      retry: (count, error) => count < 2 && !(error instanceof PermeaError && error.status < 500),
      refetchOnWindowFocus: true,
    },
  },
})

/** A list with more pages than this is not read again as a whole; live news keep it up to date. */
const PAGES_READ_AGAIN_MAX = 3

/** Has what is shown read again, after something was changed. */
export function refreshAll(): void {
  void refreshed()
}

/** The same, for who waits until what is shown is what was saved. */
export function refreshed(): Promise<void> {
  return queryClient.invalidateQueries({
    predicate: ({ queryKey, state }) =>
      queryKey[1] !== 'list' || ((state.data as { pages?: unknown[] })?.pages?.length ?? 0) <= PAGES_READ_AGAIN_MAX,
  })
}

/** An error in words for people. */
export function wordsOf(error: unknown): string {
  if (error instanceof PermeaError) return sentence(error.message)
  if (error instanceof TypeError) return 'The engine cannot be reached.'
  return error instanceof Error ? sentence(error.message) : 'Something went wrong.'
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}

/** What is wrong with which field, where the engine said so. */
export function problemsOf(error: unknown): Record<string, string> {
  if (!(error instanceof PermeaError)) return {}
  const { problems } = (error.data ?? {}) as {
    problems?: { field?: string; slot?: string; node?: string; path?: string; message: string }[]
  }
  return Object.fromEntries((problems ?? []).map((each) => [each.field ?? each.slot ?? each.path ?? '', each.message]))
}
