import type { ByteBudget, Holding } from './byte-budget.ts'
import type { GuestAnswer, GuestError, SandboxCall } from './call.ts'
import { encodeAnswer, readHostCall } from './guest-request.ts'
import { OPEN_REQUESTS_MAX } from './limits.ts'
import type { HostCall } from './messages.ts'

/** An answer as the child is given it: a head in JSON, the body as bytes. `call` counts the requests of the call from 1. */
export interface EncodedAnswer {
  call: number
  headJson: string
  body: Buffer
}

interface Asked {
  number: number
  kind: HostCall['kind']
  text: string
  holding: Holding
  /** Fires when the guest gives it up. */
  givingUp: AbortController
}

type Arrived = EncodedAnswer & { holding: Holding }

/** What an answer takes in memory: its head is text, of which a character may take two bytes; its body has some slack. */
export function answerBytes({ headJson, body }: EncodedAnswer): number {
  return Math.min(body.buffer.byteLength, 2 * body.byteLength) + 2 * headJson.length
}

/**
 * What one call asks of its host. Of its requests only so many are open at the same time: under way, arrived, or on
 * the way to the child. The others wait, and are begun in order. What a request and its answer take in memory counts
 * to the budget, from when it is asked until the child has the answer or nobody wants it; whatever way it ends.
 */
export class HostRequests {
  readonly #call: SandboxCall | null
  readonly #owner: string
  readonly #budget: ByteBudget
  readonly #events: { arrived(): void; allDone(): void }
  #waiting: Asked[] = []
  #arrived: Arrived[] = []
  /** On the way to the child. */
  #handed: Arrived[] = []
  readonly #givingUp = new Map<number, AbortController>()
  #open = 0
  #isCancelled = false
  #isIgnored = false

  constructor(
    { call, owner }: { call: SandboxCall | null; owner: string },
    budget: ByteBudget,
    events: { arrived(): void; allDone(): void },
  ) {
    this.#call = call
    this.#owner = owner
    this.#budget = budget
    this.#events = events
  }

  get hasArrived(): boolean {
    return this.#arrived.length > 0
  }

  /** Whether nothing is open and nothing waits. */
  get isDone(): boolean {
    return this.#open === 0 && this.#waiting.length === 0
  }

  ask(number: number, kind: HostCall['kind'], text: string): void {
    if (this.#isCancelled) return
    const given = gaveUpIn(text)
    if (given !== null) {
      this.#giveUp(number, given)
      return
    }
    const holding = this.#budget.open(this.#owner)
    holding.take(2 * text.length)
    const asked = { number, kind, text, holding, givingUp: new AbortController() }
    this.#givingUp.set(number, asked.givingUp)
    this.#waiting.push(asked)
    this.#beginNext()
  }

  /** Takes no place: what it gives up may have all of them. That it was heard is answered like a request. */
  #giveUp(number: number, given: number): void {
    this.#givingUp.get(given)?.abort()
    this.#open += 1
    this.#arrive({ call: number, ...NOTHING, holding: this.#budget.open(this.#owner) })
  }

  #arrive(answer: Arrived): void {
    if (this.#isIgnored) this.#drop([answer])
    else {
      this.#arrived.push(answer)
      this.#events.arrived()
    }
  }

  /** Answers in the order in which they arrived: as many as fit into so many bytes, at least one where there is any. */
  hand(bytesMax: number): EncodedAnswer[] {
    const answers: EncodedAnswer[] = []
    let bytes = 0
    for (let next = this.#arrived[0]; next !== undefined && bytes < bytesMax; next = this.#arrived[0]) {
      const { call, headJson, body } = next
      bytes += answerBytes(next)
      answers.push({ call, headJson, body })
      this.#arrived.shift()
      this.#handed.push(next)
    }
    return answers
  }

  /** The child has what was handed out. */
  taken(): void {
    if (this.#handed.length > 0) this.#drop(this.#handed.splice(0))
  }

  /** What has not begun is not done any more. */
  cancelWaiting(): void {
    this.#isCancelled = true
    for (const { holding } of this.#waiting) holding.release()
    this.#waiting = []
  }

  /** Nobody waits for answers any more. What was asked for is done all the same. */
  ignoreAnswers(): void {
    this.#isIgnored = true
    this.#drop([...this.#handed.splice(0), ...this.#arrived.splice(0)])
  }

  #drop(answers: readonly Arrived[]): void {
    for (const { holding } of answers) holding.release()
    this.#open -= answers.length
    this.#beginNext()
    if (this.isDone) this.#events.allDone()
  }

  #beginNext(): void {
    while (this.#open < OPEN_REQUESTS_MAX) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#open += 1
      void this.#answerTo(next).then((answer) => {
        this.#givingUp.delete(next.number)
        this.#arrive(answer)
      })
    }
  }

  /** Never rejects, whatever was asked and whatever was answered. */
  async #answerTo(asked: Asked): Promise<Arrived> {
    const { number: call, holding } = asked
    let encoded: Omit<EncodedAnswer, 'call'>
    try {
      encoded = holding.isOver ? encodeAnswer(TOO_MUCH) : await this.#ask(asked)
    } catch {
      encoded = encodeAnswer(failedAnswer({ message: 'the request could not be made' }))
    }
    const answer = { call, ...encoded, holding }
    if (!holding.isOver && holding.holdExactly(answerBytes(answer))) return answer
    holding.release()
    return { call, ...encodeAnswer(TOO_MUCH), holding }
  }

  async #ask({ kind, text, holding, givingUp: { signal } }: Asked): Promise<Omit<EncodedAnswer, 'call'>> {
    const asked = readHostCall(text)
    const call = this.#call
    if ('error' in asked) return encodeAnswer(failedAnswer({ message: asked.error }))
    const { client, request } = asked
    if (call === null || (kind === 'request' && !call.clients.includes(client)))
      return encodeAnswer(failedAnswer({ message: 'there is no such client' }))
    if (signal.aborted) return NOTHING
    if (kind === 'fetch') return encodeAnswer(await call.host.fetch(request, holding, signal))
    const answer = await call.host.request(client, request, holding)
    return encodeAnswer(answer, WANTED[request.responseType ?? 'json'])
  }
}

const WANTED = { json: 'value', text: 'text', arraybuffer: 'bytes' } as const

/** Nobody reads it. */
const NOTHING = encodeAnswer(failedAnswer({ message: 'it was given up' }))

/** The number of the request that the guest gives up with this text; null where it asks for something. */
function gaveUpIn(text: string): number | null {
  return Number(/^\{"client":"","request":\{"gaveUp":(\d{1,9})\}\}$/.exec(text)?.[1] ?? Number.NaN) || null
}

const TOO_MUCH = failedAnswer({
  type: 'custom_code',
  key: 'limit_exceeded',
  message: 'more is being sent and received than functions may hold at the same time',
})

function failedAnswer(error: GuestError): GuestAnswer {
  return { kind: 'failed', error }
}
