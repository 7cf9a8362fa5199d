import { createPermea, sendEvents } from '@permea/sdk'
import { addWorkspace, buildHouse, type House, until } from '@permea/testkit'
import { expect, test } from 'vitest'
import { systemClock } from '../platform/clock.ts'

interface Message {
  type: string
  elementType?: string
  elementId?: string
}

/** A stream that is open, with what came so far. */
interface Heard extends AsyncDisposable {
  messages: Message[]
  /** Resolves once something of this kind was told. */
  of(elementType: string): Promise<Message>
}

async function listen(house: House, token: string, how: 'header' | 'query' = 'header'): Promise<Heard> {
  const stop = new AbortController()
  const response = await fetch(`${house.url}/sse/workspace${how === 'query' ? `?token=${token}` : ''}`, {
    headers: how === 'header' ? { authorization: `Bearer ${token}` } : {},
    signal: stop.signal,
  })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const messages: Message[] = []
  const reading = (async () => {
    let rest = ''
    for await (const chunk of response.body ?? []) {
      const lines = (rest + new TextDecoder().decode(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data: ')) messages.push(JSON.parse(line.slice(6)) as Message)
    }
  })().catch(() => {})
  const heard: Heard = {
    messages,
    of: (elementType) =>
      until(`something is told of a ${elementType}`, 20_000, () =>
        messages.find((each) => each.elementType === elementType),
      ),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await reading
    },
  }
  await until('the stream says that it is there', 20_000, () => messages.some((each) => each.type === 'connected'))
  return heard
}

async function openShop(house: House): Promise<{ globalWebhookUri: string; customerId: string }> {
  const customer = await house.admin.customers.create({ body: { name: 'Acme', internalId: 'acme' } })
  const type = await house.admin.appEventTypes.create({ body: { key: 'order', tenantIdFormula: { $var: '$.of' } } })
  await house.admin.flows.create({
    body: {
      key: 'note',
      nodes: {
        trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'order' } }, links: [{ key: 'note' }] },
        note: { type: 'transform-data', config: { output: 1 } },
      },
    },
  })
  await house.admin.flowInstances.create({ body: { flowKey: 'note', userId: customer.id, enabled: true } })
  await house.settle()
  return { globalWebhookUri: type.globalWebhookUri, customerId: customer.id }
}

test.each(['header', 'query'] as const)('with a token in the %s, what comes and what changes is told', async (how) => {
  await using house = await buildHouse()
  const { globalWebhookUri, customerId } = await openShop(house)
  await using heard = await listen(house, await house.tokenOf({ isAdmin: true }), how)
  const { id } = await sendEvents(globalWebhookUri, { of: 'acme' })
  expect(await heard.of('app-event-log-record')).toEqual({
    type: 'element-update',
    elementType: 'app-event-log-record',
    elementId: id,
  })
  const [run] = (await house.admin.flowRuns.list()).items
  expect((await heard.of('flow-run')).elementId).toBe(run?.id)
  await house.admin.customers.patch({ params: { selector: customerId }, body: { name: 'Acme Ltd' } })
  expect((await heard.of('customer')).elementId).toBe(customerId)
})

test('many changes at once are told in few messages', async () => {
  await using house = await buildHouse()
  const { globalWebhookUri } = await openShop(house)
  await using heard = await listen(house, await house.tokenOf({ isAdmin: true }))
  await sendEvents(
    globalWebhookUri,
    Array.from({ length: 500 }, () => ({ of: 'acme' })),
  )
  await house.settle()
  await heard.of('app-event-log-record')
  await until('the runs are told of', 20_000, () => heard.messages.some((each) => each.elementType === 'flow-run'))
  expect(heard.messages.length).toBeLessThan(100)
})

test('a customer hears of its own and of what everybody sees, not of others', async () => {
  await using house = await buildHouse()
  const { globalWebhookUri } = await openShop(house)
  await using theirs = await listen(house, await house.tokenOf({ id: 'acme' }))
  await using others = await listen(house, await house.tokenOf({ id: 'globex' }))
  await sendEvents(globalWebhookUri, { of: 'acme' })
  await theirs.of('app-event-log-record')
  // Said to everybody after it, so that what was to be heard before it was heard.
  await house.admin.integrations.create({ body: { key: 'crm' } })
  await others.of('integration')
  expect(others.messages.map((each) => each.elementType)).not.toContain('app-event-log-record')
  await house.admin.workspaces.patch({ params: { id: house.workspace.key }, body: { name: 'Another name' } })
  await house.admin.integrations.create({ body: { key: 'chat' } })
  await until(
    'the second is told of',
    20_000,
    () => theirs.messages.filter((each) => each.elementType === 'integration').length === 2,
  )
  expect(theirs.messages.map((each) => each.elementType)).not.toContain('workspace')
})

test('one workspace hears nothing of another', async () => {
  await using house = await buildHouse()
  const { globalWebhookUri } = await openShop(house)
  const other = await addWorkspace(house.engine, systemClock, null)
  await using elsewhere = await listen(house, await house.engine.tokens.sign(other, { isAdmin: true }, 60))
  await using here = await listen(house, await house.tokenOf({ isAdmin: true }))
  await sendEvents(globalWebhookUri, { of: 'acme' })
  await here.of('app-event-log-record')
  expect(elsewhere.messages.map((each) => each.type)).toEqual(['connected'])
})

test('what another process takes in is told here', async () => {
  await using here = await buildHouse()
  await using there = await buildHouse({ database: { url: here.databaseUrl, workspace: here.workspace } })
  const { globalWebhookUri } = await openShop(there)
  await using heard = await listen(here, await here.tokenOf({ isAdmin: true }))
  await sendEvents(globalWebhookUri, { of: 'acme' })
  await heard.of('app-event-log-record')
})

test('who is removed, or whose key or secret is good no more, hears nothing from then on, in every process', async () => {
  await using here = await buildHouse()
  await using there = await buildHouse({ database: { url: here.databaseUrl, workspace: here.workspace } })
  const made = await here.admin.apiKeys.create({ body: { name: 'reader', scope: 'reader' } })
  const owner = await here.admin.apiKeys.create({ body: { name: 'owner', scope: 'owner' } })
  const acme = await here.admin.customers.create({ body: { name: 'Acme', internalId: 'acme' } })
  const ends = async (token: string) => {
    const response = await fetch(`${there.url}/sse/workspace`, { headers: { authorization: `Bearer ${token}` } })
    expect(response.status).toBe(200)
    const read = async () => {
      for await (const _ of response.body ?? []);
    }
    return { ended: read() }
  }
  const [ofKey, ofCustomer, ofSecret] = [
    await ends(made.key),
    await ends(await here.tokenOf({ id: 'acme' })),
    await ends(await here.tokenOf({ isAdmin: true })),
  ]
  await using stays = await listen(
    there,
    (await here.admin.apiKeys.create({ body: { name: 'b', scope: 'reader' } })).key,
  )
  // Each of these is far below the ten minutes after which any stream ends.
  await here.admin.apiKeys.archive({ params: { id: made.id } })
  await ofKey.ended
  await here.admin.customers.archive({ params: { selector: acme.id } })
  await ofCustomer.ended
  await here.admin.workspaces.rotateSecret({ params: { id: here.workspace.key } })
  await ofSecret.ended
  // Whose key is good goes on hearing.
  const another = createPermea({ baseUrl: here.url, token: owner.key })
  await another.integrations.create({ body: { key: 'crm' } })
  await stays.of('integration')
}, 60_000)

test('without a good token there is no stream', async () => {
  await using house = await buildHouse()
  expect((await fetch(`${house.url}/sse/workspace`)).status).toBe(401)
  expect((await fetch(`${house.url}/sse/workspace?token=nonsense`)).status).toBe(401)
})

test('one customer cannot take the room of the others', async () => {
  await using house = await buildHouse()
  const stop = new AbortController()
  const statusFor = async (token: string) =>
    (await fetch(`${house.url}/sse/workspace?token=${token}`, { signal: stop.signal })).status
  const greedy = await house.tokenOf({ id: 'greedy' })
  const statuses = await Promise.all(Array.from({ length: 201 }, () => statusFor(greedy)))
  expect(statuses.toSorted()).toEqual([...Array<number>(200).fill(200), 503])
  expect(await statusFor(await house.tokenOf({ id: 'modest' }))).toBe(200)
  stop.abort()
  await until('those that are closed leave room', 20_000, async () => {
    const again = new AbortController()
    const response = await fetch(`${house.url}/sse/workspace?token=${greedy}`, { signal: again.signal })
    again.abort()
    return response.status === 200
  })
})
