import { randomUUID } from 'node:crypto'
import { buildHouse, type House } from '@permea/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generatedElement } from './generated-elements.ts'

// A team brings its workspace with it, element by element: nothing of it is refused for what other systems write into it,
// nor for what is not complete yet.

let house: House

beforeAll(async () => {
  house = await buildHouse()
  await house.admin.integrations.create({ body: { key: 'crm', name: 'Crm' } })
})

afterAll(() => house[Symbol.asyncDispose]())

test('elements as other systems hold them are taken one by one, and go back in as they come out', async () => {
  const headers = {
    authorization: `Bearer ${await house.tokenOf({ isAdmin: true })}`,
    'content-type': 'application/json',
  }
  const send = async (method: string, path: string, body: object) => {
    const answer = await fetch(`${house.url}${path}`, { method, headers, body: JSON.stringify(body) })
    const text = await answer.text()
    if (!answer.ok) expect.fail(`${method} ${path} ${JSON.stringify(body)}: ${text}`)
    return JSON.parse(text) as { id: string; key: string; state?: string }
  }
  await fc.assert(
    fc.asyncProperty(generatedElement('crm'), async ({ folder, body: generated }) => {
      // Small generated values come twice.
      const uuid = generated.uuid === undefined ? {} : { uuid: randomUUID() }
      const body = { ...generated, ...uuid, key: `${generated.key} ${randomUUID()}` }
      const made = await send('POST', `/${folder}`, body)
      expect(made.key).toBe(body.key)
      const again = await send('PUT', `/${folder}/${made.id}`, made)
      expect(again.id).toBe(made.id)
      await send('PATCH', `/${folder}/${made.id}`, body)
    }),
    { numRuns: Number(process.env.FC_RUNS ?? 40), endOnFailure: true },
  )
}, 120_000)
