import { Agent, request } from 'node:http'
import { pause } from '@permea/testkit'
import type { Ledger } from './ledger.ts'
import { type Places, type Shipment, shipmentOf } from './scene.ts'

const ANSWER_MS_MAX = 30_000
const PAUSE_MS = 500
/** Events on their way to an acknowledgement; beyond it senders wait, and are behind the clock. */
const UNDER_WAY_MAX = 20_000
const TICK_MS = 10
/** Senders that were held up catch up no faster than this many times the rate. */
const CATCH_UP = 2

export interface Senders {
  /** Events that were sent and not acknowledged yet. */
  readonly underWay: number
  /** Sends nothing new; resolves when everything that was sent is acknowledged. */
  finish(): Promise<void>
}

/**
 * Sends events at a rate, each to one of the engines by turns, and again, the same, every half second until one of them
 * acknowledges it.
 */
export function startSenders(options: {
  urls: readonly string[]
  places: Places
  perSecond: number
  ledger: Ledger
}): Senders {
  const { urls, places, ledger } = options
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  let underWay = 0
  let onIdle = () => {}

  async function send(n: number): Promise<void> {
    const shipment = shipmentOf(n, places)
    for (let attempt = 0; ; attempt += 1) {
      const url = urls[(n + attempt) % urls.length] ?? ''
      const beganMs = performance.now()
      const status = await post(agent, url, shipment)
      if (status >= 200 && status < 300) {
        ledger.answersMs.push(performance.now() - beganMs)
        ledger.isAcknowledged[n] = 1
        ledger.acknowledged += 1
        underWay -= 1
        if (underWay === 0) onIdle()
        return
      }
      ledger.refused.set(status, (ledger.refused.get(status) ?? 0) + 1)
      ledger.repeats += 1
      await pause(PAUSE_MS)
    }
  }

  const beganMs = performance.now()
  let behindMs = 0
  let lastMs = beganMs
  const timer = setInterval(() => {
    const nowMs = performance.now()
    const tickMs = nowMs - lastMs
    lastMs = nowMs
    const due = ((nowMs - beganMs - behindMs) * options.perSecond) / 1000
    const most = ledger.sent + Math.max(1, (tickMs * CATCH_UP * options.perSecond) / 1000)
    while (ledger.sent < Math.min(due, most, ledger.taken.length) && underWay < UNDER_WAY_MAX) {
      const n = ledger.sent
      ledger.firstSentMs[n] = nowMs
      ledger.sent += 1
      underWay += 1
      void send(n)
    }
    // What there was no room for is not made up for.
    if (underWay >= UNDER_WAY_MAX) behindMs += tickMs
  }, TICK_MS)

  return {
    get underWay() {
      return underWay
    },
    async finish() {
      clearInterval(timer)
      if (underWay > 0)
        await new Promise<void>((resolve) => {
          onIdle = resolve
        })
      agent.destroy()
    },
  }
}

/** The status of the answer; 0 where there was none. */
function post(agent: Agent, url: string, { path, headers, body }: Shipment): Promise<number> {
  return new Promise((resolve) => {
    const length = { 'content-length': Buffer.byteLength(body) }
    const sent = request(
      url + path,
      { method: 'POST', agent, timeout: ANSWER_MS_MAX, headers: { ...headers, ...length } },
      (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
        response.on('error', () => resolve(0))
      },
    )
    sent.on('timeout', () => sent.destroy())
    sent.on('error', () => resolve(0))
    sent.end(body)
  })
}
