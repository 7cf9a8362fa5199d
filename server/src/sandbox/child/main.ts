import { Socket } from 'node:net'
import { encodeFrame, FrameReader } from '../frames.ts'
import type { FromChild, ToChild } from '../messages.ts'
import { Calls } from './calls.ts'
import { createScriptEngine } from './engine.ts'

/** The engine's end of the socket is handed over as this file descriptor. */
const SOCKET_FD = 3

/** What a call may be sent at most: its code, its arguments, or the answers to its requests. */
const BODY_BYTES_MAX = 256 * 1024 * 1024

const socket = new Socket({ fd: SOCKET_FD })
const reader = new FrameReader(BODY_BYTES_MAX)
const inbox: { head: ToChild; body: Buffer }[] = []
let calls: Calls | null = null
let isWorking = false

socket.on('data', (chunk) => {
  for (const frame of reader.read(chunk)) inbox.push({ head: frame.head as ToChild, body: frame.body })
  void work()
})
// The engine is gone: nothing is left to do, and the process ends by itself.
socket.on('error', () => socket.destroy())

calls = new Calls(await createScriptEngine())
reply({ type: 'ready' })
void work()
void calls.prepare()

/** One message after the other, in the order in which they came: the engine knows which of its calls is running. */
async function work(): Promise<void> {
  if (isWorking || calls === null) return
  isWorking = true
  for (let next = inbox.shift(); next !== undefined; next = inbox.shift()) {
    const handled = calls.handle(next.head, next.body)
    const answer = handled instanceof Promise ? await handled : handled
    if (answer !== null) reply(answer.head, answer.bodies)
    calls.tidyUp()
  }
  isWorking = false
  await calls.prepare()
}

function reply(head: FromChild, bodies: readonly Uint8Array[] = []): void {
  for (const buffer of encodeFrame(head, bodies)) socket.write(buffer)
}
