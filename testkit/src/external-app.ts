import type { ServerResponse } from 'node:http'
import { type Received, type Receiver, startReceiver } from './receiver.ts'

/** A registration that the app keeps. */
export interface Registration {
  id: string
  url: string
  event: string
  refreshed: number
}

/**
 * An external app with a webhook API, as the comments of the seed describe one: `POST /webhooks` registers,
 * `POST /webhooks/:id/refresh` extends, `DELETE /webhooks/:id` takes back, `GET /webhooks` lists. It wants an API key.
 */
export interface ExternalApp extends AsyncDisposable {
  url: string
  port: number
  apiKey: string
  /** Every call it got. */
  calls: Received[]
  /** What it has registered now. */
  registrations: Map<string, Registration>
  /** Answers calls of a kind like this until told otherwise; null: as it should. */
  fail(kind: CallKind, status: number | null): void
  /** Posts an event to whoever registered for it; gives the answers. */
  emit(event: string, body: unknown, headers?: Record<string, string>): Promise<{ status: number; body: string }[]>
  /** Called after a registration is kept and before it is answered. */
  onRegistered: ((registration: Registration) => void | Promise<void>) | null
  waitFor(count: number, matches: (call: Received) => boolean): Promise<Received[]>
}

export type CallKind = 'register' | 'refresh' | 'remove' | 'list'

/** Whoever repeats a request with the same `Idempotency-Key` gets the same answer, as with the apps that have it. */
export async function startExternalApp(options: { isIdempotent?: boolean } = {}): Promise<ExternalApp> {
  const receiver: Receiver = await startReceiver()
  const registrations = new Map<string, Registration>()
  const failing = new Map<CallKind, number>()
  const answered = new Map<string, unknown>()
  let count = 0
  const apiKey = 'key-of-the-external-app'

  const app: ExternalApp = {
    url: receiver.url,
    port: receiver.port,
    apiKey,
    calls: receiver.received,
    registrations,
    onRegistered: null,
    fail(kind, status) {
      if (status === null) failing.delete(kind)
      else failing.set(kind, status)
    },
    async emit(event, body, headers = {}) {
      const wanting = [...registrations.values()].filter((each) => each.event === event)
      return Promise.all(
        wanting.map(async ({ url }) => {
          const answer = await fetch(url, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...headers },
            body: typeof body === 'string' ? body : JSON.stringify(body),
          })
          return { status: answer.status, body: await answer.text() }
        }),
      )
    },
    waitFor: (wanted, matches) => receiver.waitFor(wanted, matches),
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  }
  receiver.behave(async (request, response) => {
    const kind = kindOf(request)
    const status = kind === null ? 404 : request.headers.authorization === `Bearer ${apiKey}` ? failing.get(kind) : 401
    if (kind === null || status !== undefined) {
      answer(response, status ?? 404, { error: 'no' })
      return
    }
    if (kind === 'list') {
      answer(response, 200, { data: [...registrations.values()] })
      return
    }
    if (kind === 'register') {
      const key = request.headers['idempotency-key']
      const known = options.isIdempotent === true && typeof key === 'string' ? answered.get(key) : undefined
      if (known !== undefined) {
        answer(response, 201, known)
        return
      }
      const { url, event } = request.json as { url: string; event: string }
      count += 1
      const registration = { id: `hook-${count}`, url, event, refreshed: 0 }
      registrations.set(registration.id, registration)
      if (typeof key === 'string') answered.set(key, { id: registration.id })
      await app.onRegistered?.(registration)
      answer(response, 201, { id: registration.id })
      return
    }
    const registration = registrations.get(request.path.split('/')[2] ?? '')
    if (registration === undefined) {
      answer(response, 404, { error: 'there is no such webhook' })
      return
    }
    if (kind === 'refresh') registration.refreshed += 1
    else registrations.delete(registration.id)
    answer(response, 200, { ok: true })
  })
  return app
}

function kindOf({ method, path }: Received): CallKind | null {
  if (path === '/webhooks') return method === 'POST' ? 'register' : method === 'GET' ? 'list' : null
  if (!path.startsWith('/webhooks/')) return null
  if (method === 'DELETE') return 'remove'
  return method === 'POST' && path.endsWith('/refresh') ? 'refresh' : null
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
