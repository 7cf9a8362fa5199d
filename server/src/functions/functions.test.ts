import { buildHouse, type House } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CallContext, FunctionCall } from './function.ts'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})

afterAll(() => house[Symbol.asyncDispose]())

function context(slot = 'handle'): CallContext {
  return {
    workspaceId: house.workspace.id,
    customerId: null,
    integrationId: null,
    connectionId: null,
    ownerId: 'eet_test',
    slot,
    sourceId: null,
  }
}

const call = (code: string, more: Partial<FunctionCall> = {}) =>
  house.engine.functions.call({ definition: { type: 'javascript', code }, context: context(), args: {}, ...more })

test('smoke', async () => {
  expect(await call('export default async ({ a }: { a: number }) => ({ b: a + 1 })', { args: { a: 1 } })).toMatchObject(
    {
      kind: 'returned',
      value: { b: 2 },
    },
  )
})
