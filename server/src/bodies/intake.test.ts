import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createIntake, type Sender } from './intake.ts'

const KB = 1024
const sender = (address: string, more: Partial<Sender> = {}): Sender => ({
  address,
  owner: null,
  workspaceId: null,
  ...more,
})

function reading(intake: ReturnType<typeof createIntake>, from: Sender, contentLength?: number, bytesMax?: number) {
  const body = new PassThrough()
  const answer = new EventEmitter()
  const read = intake.read(body, {
    sender: from,
    contentLength: contentLength === undefined ? undefined : String(contentLength),
    until: answer,
    ...(bytesMax === undefined ? {} : { bytesMax }),
  })
  read.catch(() => undefined)
  return {
    read,
    async send(bytes: number) {
      body.write(Buffer.alloc(bytes))
      await new Promise(setImmediate)
    },
    end: () => body.end(),
    answered: () => answer.emit('close'),
  }
}

test('bytes are counted as they arrive, and until the answer is closed', async () => {
  const intake = createIntake()
  const one = reading(intake, sender('a'))
  await one.send(100 * KB)
  expect(intake.heldBytes).toBe(100 * KB)
  await one.send(50 * KB)
  one.end()
  expect((await one.read).length).toBe(150 * KB)
  expect(intake.heldBytes).toBe(150 * KB)
  one.answered()
  expect(intake.heldBytes).toBe(0)
  expect(intake.reading).toBe(0)
})

test('one sender has its share, one workspace has its own, and small bodies have a reserve', async () => {
  const intake = createIntake({ bytesMax: 1000 * KB, reserveBytes: 200 * KB, smallBytes: 10 * KB })
  const first = reading(intake, sender('a', { workspaceId: 'w' }))
  await first.send(240 * KB)
  const second = reading(intake, sender('a', { workspaceId: 'w' }))
  await second.send(20 * KB)
  await expect(second.read).rejects.toMatchObject({ key: 'overloaded' })
  const small = reading(intake, sender('a', { workspaceId: 'w' }))
  await small.send(8 * KB)
  small.end()
  expect((await small.read).length).toBe(8 * KB)
  for (const address of ['b', 'c']) await reading(intake, sender(address, { workspaceId: 'w' })).send(240 * KB)
  const ofWorkspace = reading(intake, sender('d', { workspaceId: 'w' }))
  await ofWorkspace.send(100 * KB)
  await expect(ofWorkspace.read).rejects.toMatchObject({ key: 'overloaded' })
  const ofOther = reading(intake, sender('d', { workspaceId: 'x' }))
  await ofOther.send(60 * KB)
  ofOther.end()
  expect((await ofOther.read).length).toBe(60 * KB)
  // Nothing is left but the reserve.
  const large = reading(intake, sender('e'))
  await large.send(100 * KB)
  await expect(large.read).rejects.toMatchObject({ key: 'overloaded' })
  const least = reading(intake, sender('e'))
  await least.send(9 * KB)
  least.end()
  expect((await least.read).length).toBe(9 * KB)
})

test('a refused body gives back what it held', async () => {
  const intake = createIntake()
  const body = reading(intake, sender('a'), undefined, 64 * KB)
  await body.send(60 * KB)
  await body.send(10 * KB)
  await expect(body.read).rejects.toMatchObject({ key: 'payload_too_large', message: 'the body is larger than 64 KB' })
  expect(intake.heldBytes).toBe(0)
  await expect(reading(intake, sender('a'), 11 * 1024 * KB).read).rejects.toMatchObject({ key: 'payload_too_large' })
})

test('a body that stops coming, or takes too long, is given up', async () => {
  const intake = createIntake({ silenceMsMax: 100, bodyMsMax: 60_000 })
  const stopped = reading(intake, sender('a'))
  await stopped.send(KB)
  await expect(stopped.read).rejects.toMatchObject({ key: 'request_timeout' })
  expect(intake.heldBytes).toBe(0)
  const hurried = createIntake({ silenceMsMax: 60_000, bodyMsMax: 100 })
  const slow = reading(hurried, sender('a'))
  await slow.send(KB)
  await expect(slow.read).rejects.toMatchObject({ key: 'request_timeout', message: 'the body took too long' })
})

test('a connection that is closed in the middle gives back what it held', async () => {
  const intake = createIntake()
  const body = reading(intake, sender('a'))
  await body.send(100 * KB)
  body.answered()
  await expect(body.read).rejects.toMatchObject({ key: 'request_timeout' })
  expect([intake.heldBytes, intake.reading]).toEqual([0, 0])
})
