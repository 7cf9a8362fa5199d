import { Agent, request } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'

// Posts at a rate in a thread of its own, so that what the test does besides does not count as an answer's time. On a
// machine that is too busy for the rate it posts as fast as it is answered.

export interface SteadyLoad {
  targets: { url: string; headers?: Record<string, string> }[]
  perSecond: number
}

/** An answer, when it was asked for (milliseconds since 1970), and how long it took. */
export interface SteadyAnswer {
  status: number
  atMs: number
  ms: number
  target: number
}

/** So many senders there are; each waits for its answer. */
const UNDER_WAY_MAX = 16

const agent = new Agent({ keepAlive: true, maxSockets: UNDER_WAY_MAX })

function post({ url, headers = {} }: SteadyLoad['targets'][number], text: string): Promise<number> {
  const length = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  return new Promise((resolve) => {
    const sent = request(url, { method: 'POST', agent, headers: { ...length, ...headers } }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    // No answer is none that is right.
    sent.on('error', () => resolve(0))
    sent.end(text)
  })
}

/** Until told to stop; then gives every answer. Asked before, it gives those that there are. */
function run({ targets, perSecond }: SteadyLoad, port: NonNullable<typeof parentPort>): void {
  const underWay = new Set<Promise<void>>()
  const answers: SteadyAnswer[] = []
  let dueAtMs = performance.now()
  let n = 0
  const timer = setInterval(() => {
    const nowMs = performance.now()
    for (; dueAtMs <= nowMs && underWay.size < UNDER_WAY_MAX; dueAtMs += 1000 / perSecond, n += 1) {
      const index = n % targets.length
      const target = targets[index]
      if (target === undefined) throw new Error('there is nobody to post to')
      const atMs = Date.now()
      const startedMs = performance.now()
      const sent: Promise<void> = post(target, JSON.stringify({ n })).then((status) => {
        answers.push({ status, atMs, ms: performance.now() - startedMs, target: index })
        underWay.delete(sent)
      })
      underWay.add(sent)
    }
    // What there was no room for is not made up for.
    dueAtMs = Math.max(dueAtMs, nowMs - 20)
  }, 4)
  port.on('message', (message) => {
    if (message === 'so far') {
      port.postMessage(answers)
      return
    }
    clearInterval(timer)
    void Promise.all(underWay).then(() => {
      port.postMessage(answers)
      port.close()
      agent.destroy()
    })
  })
}

if (parentPort !== null) run(workerData as SteadyLoad, parentPort)
