import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Authenticate } from '../api/permission.ts'
import type { Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import type { Clock } from '../platform/clock.ts'
import type { Notice, Ownership } from '../platform/ownership.ts'

/** Who may hear of a change: everybody in the workspace, its admins only, or admins and one customer (database id). */
export type Audience = 'everybody' | 'admins' | { customerId: string }

/** Something of a workspace came or changed. */
export interface Change {
  workspaceId: string
  /** As the published client calls it: `flow-run`, `app-event-log-record`. */
  elementType: string
  /** On the wire; null where there is no single one. */
  elementId: string | null
  audience: Audience
}

/**
 * Tells open pages what changed, so that they look again. Nothing is kept: who was away asks the API.
 *
 * A change costs one look into a map where nobody of the workspace listens, in whichever process. Where somebody does,
 * changes are gathered and sent to all processes at most every 300 ms, however many there were.
 */
export interface Live {
  changed(change: Change): void
  /** Ends the streams of a customer in this process. */
  endOf(customerId: string): void
  mount(app: FastifyInstance): void
  stop(): Promise<void>
}

const FLUSH_MS = 300
/** Beyond this many of one kind in one flush only the kind is told. */
const NAMED_MAX = 15
const WANTED_MS = 30_000
const REMIND_MS = 10_000
/** A stream ends after this time: a token runs out without anybody telling of it. Clients open another one. */
const STREAM_MS = 600_000
const ENDS: ReadonlySet<string> = new Set(['not_authenticated', 'access_denied'])
const BEAT_MS = 20_000
const STREAMS_MAX = 10_000
/** Of one customer, or of the admins of a workspace: the others find room. */
const STREAMS_OF_ONE_MAX = 200
/** A reader who lets this much wait is let go. */
const BACKLOG_BYTES_MAX = 262_144

interface Stream {
  principal: Principal
  /** What it was opened with. */
  authorization: string | undefined
  reply: FastifyReply
  endsAtMs: number
}

/** What is told of one kind to one audience. */
interface Told {
  elementType: string
  audience: Audience
  /** Null: too many to name. */
  ids: string[] | null
}

interface LiveOptions {
  ownership: Ownership
  clock: Clock
  authenticate: Authenticate
}

export function createLive(options: LiveOptions): Live {
  const { ownership } = options
  const streams = new Set<Stream>()
  /** How many of them each has. */
  const listening = new Map<string, number>()
  /** Until when some process has listeners of a workspace, by this process's own clock. */
  const wantedUntilMs = new Map<string, number>()
  const gathering = createGathering((workspaceId, told) => {
    // Who misses this sees it with the next change, or when the page is opened again.
    for (const part of chunks(told)) ownership.notify({ about: 'live', workspaceId, told: part }).catch(() => {})
  })
  let beating: NodeJS.Timeout | null = null
  let remindedAtMs = 0
  let isStopped = false

  ownership.listen({
    noticed(notice) {
      if (notice.about === 'live-wanted') wantedUntilMs.set(String(notice.workspaceId), performance.now() + WANTED_MS)
      if (notice.about === 'live') deliver(notice)
      if (notice.about === 'workspaces') askAgain.begin()
    },
  })
  const askAgain = oneAfterTheOther(() => endOfRefused([...streams], options.authenticate))

  function deliver(notice: Notice): void {
    // Written once, however many listen.
    const texts = (notice.told as Told[]).map(({ elementType, audience, ids }) => ({
      audience,
      text: (ids ?? [null])
        .map((elementId) =>
          textOf({ type: 'element-update', elementType, ...(elementId === null ? {} : { elementId }) }),
        )
        .join(''),
    }))
    for (const stream of streams) {
      if (stream.principal.workspaceId !== notice.workspaceId) continue
      const heard = texts.filter(({ audience }) => mayHear(stream.principal, audience))
      if (heard.length > 0) send(stream, heard.map(({ text }) => text).join(''))
    }
  }

  function beat(): void {
    const nowMs = performance.now()
    for (const stream of streams) {
      if (stream.endsAtMs < nowMs) stream.reply.raw.end()
      else stream.reply.raw.write(': still here\n\n')
    }
    if (nowMs - remindedAtMs >= REMIND_MS) remind()
    for (const [workspaceId, untilMs] of wantedUntilMs) if (untilMs < nowMs) wantedUntilMs.delete(workspaceId)
  }

  /** Tells all processes whose changes somebody here listens to. */
  function remind(): void {
    remindedAtMs = performance.now()
    for (const workspaceId of new Set([...streams].map((stream) => stream.principal.workspaceId)))
      ownership.notify({ about: 'live-wanted', workspaceId }).catch(() => {})
  }

  async function open(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { token } = request.query as { token?: string }
    const authorization = request.headers.authorization ?? (token === undefined ? undefined : `Bearer ${token}`)
    const principal = await options.authenticate(authorization, 'read')
    const whose = listenerOf(principal)
    const own = listening.get(whose) ?? 0
    if (streams.size >= STREAMS_MAX || own >= STREAMS_OF_ONE_MAX || isStopped)
      throw new Refusal('overloaded', 'too many pages listen already')
    reply.hijack()
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    const stream = { principal, authorization, reply, endsAtMs: performance.now() + STREAM_MS }
    streams.add(stream)
    listening.set(whose, own + 1)
    reply.raw.once('close', () => {
      streams.delete(stream)
      const left = (listening.get(whose) ?? 1) - 1
      if (left > 0) listening.set(whose, left)
      else listening.delete(whose)
    })
    wantedUntilMs.set(principal.workspaceId, performance.now() + WANTED_MS)
    beating ??= setInterval(beat, Math.min(BEAT_MS, REMIND_MS)).unref()
    remind()
    const timestamp = options.clock.now().toISOString()
    send(stream, textOf({ type: 'connected', message: 'what changes in the workspace is told here', timestamp }))
  }

  return {
    changed(change) {
      const untilMs = wantedUntilMs.get(change.workspaceId)
      if (untilMs !== undefined && untilMs >= performance.now()) gathering.add(change)
    },
    endOf(customerId) {
      for (const { principal, reply } of streams) if (principal.customerId === customerId) reply.raw.end()
    },
    mount(app) {
      app.get('/sse/workspace', open)
      app.addHook('preClose', async () => {
        for (const { reply } of streams) reply.raw.end()
      })
    },
    async stop() {
      isStopped = true
      gathering.stop()
      if (beating !== null) clearInterval(beating)
    },
  }
}

/** Somebody was removed, signed out or archived, a key or secret is good no more: whose stream it is ends with that. */
async function endOfRefused(streams: readonly Stream[], authenticate: Authenticate): Promise<void> {
  const answers = new Map<string | undefined, Promise<boolean>>()
  for (const { authorization, reply } of streams) {
    const isRefused =
      answers.get(authorization) ??
      authenticate(authorization, 'read').then(
        () => false,
        // That nobody can be asked now says nothing.
        (error: unknown) => error instanceof Refusal && ENDS.has(error.key),
      )
    answers.set(authorization, isRefused)
    if (await isRefused) reply.raw.end()
  }
}

/** Begun while it is under way, it is done once more after that. */
function oneAfterTheOther(work: () => Promise<void>): { begin(): void } {
  let isWorking = false
  let isWanted = false
  async function go(): Promise<void> {
    isWorking = true
    while (isWanted) {
      isWanted = false
      await work().catch(() => {})
    }
    isWorking = false
  }
  return {
    begin() {
      isWanted = true
      if (!isWorking) void go()
    },
  }
}

function textOf(message: object): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`
}

function send({ reply: { raw } }: Stream, text: string): void {
  if (raw.writableLength > BACKLOG_BYTES_MAX) raw.destroy()
  else raw.write(text)
}

/** Gathers changes for a moment and gives those of each workspace in one. */
function createGathering(tell: (workspaceId: string, told: readonly Told[]) => void) {
  const gathered = new Map<string, Map<string, Told>>()
  let flushing: NodeJS.Timeout | null = null

  function flush(): void {
    flushing = null
    for (const [workspaceId, kinds] of gathered) tell(workspaceId, [...kinds.values()])
    gathered.clear()
  }

  return {
    add({ workspaceId, elementType, elementId, audience }: Change): void {
      const kinds = gathered.get(workspaceId) ?? new Map<string, Told>()
      gathered.set(workspaceId, kinds)
      const key = `${elementType} ${typeof audience === 'string' ? audience : audience.customerId}`
      const told = kinds.get(key) ?? { elementType, audience, ids: [] }
      kinds.set(key, told)
      if (elementId === null || told.ids === null) told.ids = null
      else if (!told.ids.includes(elementId)) told.ids.push(elementId)
      if (told.ids !== null && told.ids.length > NAMED_MAX) told.ids = null
      flushing ??= setTimeout(flush, FLUSH_MS)
    },
    stop(): void {
      if (flushing !== null) clearTimeout(flushing)
      flushing = null
    },
  }
}

function listenerOf({ workspaceId, customerId, isAdmin }: Principal): string {
  return isAdmin ? workspaceId : `${workspaceId}:${customerId}`
}

function mayHear(principal: Principal, audience: Audience): boolean {
  if (principal.isAdmin || audience === 'everybody') return true
  return audience !== 'admins' && audience.customerId === principal.customerId
}

/** A notice of the database has room for 8,000 bytes. */
const BYTES_MAX = 6000

function chunks(told: readonly Told[]): Told[][] {
  const made: Told[][] = []
  let bytes = BYTES_MAX
  for (const each of told) {
    const own = JSON.stringify(each).length
    if (bytes + own > BYTES_MAX) {
      made.push([])
      bytes = 0
    }
    made.at(-1)?.push(each)
    bytes += own
  }
  return made
}
