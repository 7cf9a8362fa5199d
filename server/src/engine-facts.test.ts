import { expect, test } from 'vitest'
import { type EngineFacts, type Followers, whatFollows } from './engine-facts.ts'
import type { Tx } from './platform/database.ts'
import { createFacts } from './platform/facts.ts'

const tx = {} as Tx

/** Rooms that note what is asked of them. */
function noting() {
  const asked: string[] = []
  const room = (name: string) =>
    new Proxy(
      {},
      {
        get: (_, method) => (_tx: Tx, about: unknown, more?: unknown) => {
          asked.push([`${name}.${String(method)}`, ...(typeof more === 'object' ? [] : [more])].join(' ').trim())
          return Promise.resolve(about)
        },
      },
    )
  const rooms = {
    endpoints: room('endpoints'),
    people: room('people'),
    alerts: room('alerts'),
    subscriptions: room('subscriptions'),
    externalSubscriptions: room('externalSubscriptions'),
    autoCreate: room('autoCreate'),
    instances: room('instances'),
    async archiveOwnOf() {
      asked.push('archiveOwnOf')
    },
  } as unknown as Followers
  return { asked, rooms }
}

const DESTINATION = {
  id: 'd',
  workspaceId: 'w',
  ownerKind: 'external-subscription',
  name: 'd',
  url: 'https://d.example',
}

test('from each fact follows what is written, in this order', async () => {
  const followed: Record<string, string[]> = {}
  for (const fact of Object.keys(whatFollows(noting().rooms)) as (keyof EngineFacts)[]) {
    const { asked, rooms } = noting()
    const facts = createFacts<EngineFacts>()
    facts.layDown(whatFollows(rooms))
    const about = { ...DESTINATION, destination: DESTINATION, percent: null, error: null }
    await facts.record(tx, fact, about as never)
    followed[fact] = asked
  }
  expect(followed).toMatchInlineSnapshot(`
    {
      "app-event-type.archived": [
        "subscriptions.followTypeSoon",
      ],
      "app-event-type.restored": [
        "subscriptions.followTypeSoon",
      ],
      "connection.archived": [
        "instances.archiveAllOfConnection",
        "archiveOwnOf",
        "externalSubscriptions.followConnection archived",
      ],
      "connection.created": [
        "autoCreate.forConnection",
      ],
      "connection.disconnected": [],
      "connection.reconnected": [
        "externalSubscriptions.followConnection reconnected",
      ],
      "connection.restored": [
        "externalSubscriptions.followConnection restored",
        "autoCreate.forConnection",
      ],
      "customer.archived": [
        "subscriptions.followCustomer true",
        "externalSubscriptions.followCustomer true",
      ],
      "customer.created": [
        "autoCreate.forCustomer",
      ],
      "customer.restored": [
        "subscriptions.followCustomer false",
        "externalSubscriptions.followCustomer false",
      ],
      "destination.failing": [
        "alerts.raise",
      ],
      "destination.paused": [
        "alerts.raise",
      ],
      "destination.recovered": [
        "alerts.resolve webhook_endpoint_failing:d",
        "alerts.resolve webhook_endpoint_failing:d:50",
        "alerts.resolve webhook_endpoint_failing:d:70",
        "alerts.resolve webhook_endpoint_failing:d:90",
        "alerts.resolve webhook_endpoint_failing:d:now",
        "alerts.resolve webhook_endpoint_paused:d",
      ],
      "external-event-type.archived": [
        "externalSubscriptions.followTypeSoon",
      ],
      "external-event-type.restored": [
        "externalSubscriptions.followTypeSoon",
      ],
      "workspace.changed": [
        "endpoints.followWorkspace",
      ],
      "workspace.created": [
        "people.followWorkspace",
      ],
    }
  `)
})

test('nothing is recorded before it is said what follows', async () => {
  const facts = createFacts<{ happened: null }>()
  await expect(facts.record(tx, 'happened', null)).rejects.toThrow('happened is recorded before')
  const seen: number[] = []
  const note = (nth: number) => () => Promise.resolve(void seen.push(nth))
  facts.layDown({ happened: [note(1), note(2)] })
  await facts.record(tx, 'happened', null)
  expect(seen).toEqual([1, 2])
})

test('what fails ends what follows, and with it the transaction', async () => {
  const facts = createFacts<{ happened: null }>()
  const seen: string[] = []
  facts.layDown({
    happened: [() => Promise.reject(new Error('no')), () => Promise.resolve(void seen.push('never'))],
  })
  await expect(facts.record(tx, 'happened', null)).rejects.toThrow('no')
  expect(seen).toEqual([])
})
