import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { buildHouse, type House, startReceiver, until } from '@permea/testkit'
import { Webhook } from 'standardwebhooks'
import { expect, test, vi } from 'vitest'
import { openShell as openShellWith, type Shell } from '../testing/shell.ts'

// Each command line asks a real engine for several jobs.
vi.setConfig({ testTimeout: 120_000 })

/** A shell whose commands are about this engine and its workspace. */
function openShell(house: House): Promise<Shell> {
  return openShellWith({
    PERMEA_URL: house.url,
    PERMEA_WORKSPACE_KEY: house.workspace.key,
    PERMEA_WORKSPACE_SECRET: house.workspace.secret,
  })
}

async function openShop(house: House): Promise<void> {
  await house.admin.customers.create({ body: { name: 'Acme', internalId: 'acme' } })
  await house.admin.appEventTypes.create({ body: { key: 'order', tenantIdFormula: { $var: '$.of' } } })
  await house.admin.flows.create({
    body: {
      key: 'note',
      nodes: {
        trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'order' } }, links: [{ key: 'note' }] },
        note: { type: 'transform-data', config: { output: { first: 1 } } },
      },
    },
  })
  await house.admin.flowInstances.create({ body: { flowKey: 'note', userId: 'acme' } })
}

test('an event is sent, shown, and its whole way told', async () => {
  await using house = await buildHouse()
  await openShop(house)
  await using shell = await openShell(house)
  const sent = await shell.run('events', 'send', 'order', '{"of": "acme"}')
  expect(sent).toMatchObject({ code: 0, err: '' })
  const id = sent.out.trim()
  await house.settle()
  const why = await shell.run('why', id)
  expect(why.out).toMatch(/event aev_\w+ order of acme/)
  expect(why.out).toMatch(/└─ run fr_\w+ note: completed\n {3}├─ trigger \(app-event-trigger\): completed\n {3}└─ note/)
  expect((await shell.run('events', 'show', id)).out).toContain('"of": "acme"')
  expect((await shell.run('events', 'tail', '--no-follow', '--json')).out).toContain(id)
  const runs = await shell.run('runs', 'tail', '--no-follow', '--json')
  const { id: runId } = JSON.parse(runs.out) as { id: string }
  expect((await shell.run('runs', 'show', runId)).out).toContain(`run ${runId} note: completed`)
  expect((await shell.run('runs', 'repeat', runId)).out).toMatch(/^fr_/)
})

test('why says where an event stopped', async () => {
  await using house = await buildHouse()
  await openShop(house)
  await using shell = await openShell(house)
  await house.admin.customers.create({ body: { internalId: 'globex', name: 'Globex' } })
  const { out } = await shell.run('events', 'send', 'order', '{"of": "globex"}')
  expect((await shell.run('why', out.trim())).out).toContain('stopped here: the customer has no instance of note')
  await house.admin.appEventTypes.create({ body: { key: 'unheard', tenantIdFormula: { $var: '$.of' } } })
  const other = await shell.run('events', 'send', 'unheard', '{"of": "acme"}')
  expect((await shell.run('why', other.out.trim())).out).toContain('no flow waits for events of this type (unheard)')
})

test('why finds an event by a text of it, also one that was refused', async () => {
  await using house = await buildHouse()
  await openShop(house)
  await using shell = await openShell(house)
  const sent = await shell.run('events', 'send', 'order', '{"of": "acme", "number": "order-4711"}')
  expect((await shell.run('why', 'order-4711')).out).toContain(`event ${sent.out.trim()} order of acme`)
  expect((await shell.run('events', 'send', 'order', '{"number": "order-4712"}')).code).toBe(1)
  // Refusals are written a moment after the answer.
  await house.engine.refusedRequests.settled()
  const { out } = await shell.run('why', 'order-4712')
  expect(out).toMatch(
    /^refused request rrq_\w+: POST .+ from .+\n├─ stopped here: .+ \(400 \w+\)\n└─ it began: .*order-4712/,
  )
  const [, id = ''] = /(rrq_\w+)/.exec(out) ?? []
  expect((await shell.run('why', id)).out).toBe(out)
  expect(await shell.run('why', 'order-4713')).toMatchObject({ code: 1, err: expect.stringContaining('order-4713') })
})

test('a tail shows what comes while it runs', async () => {
  await using house = await buildHouse()
  await openShop(house)
  await using shell = await openShell(house)
  const tail = shell.begin('events', 'tail')
  await shell.run('events', 'send', 'order', '{"of": "acme", "n": 1}')
  await until('the event is shown', 10_000, () => tail.out().includes('"n":1'))
  expect(await tail.stop()).toBe(0)
})

test('pull, edit, diff and push change the workspace; what the server changed meanwhile is not overwritten', async () => {
  await using house = await buildHouse()
  await openShop(house)
  await using shell = await openShell(house)
  expect((await shell.run('pull')).code).toBe(0)
  const flow = path.join(shell.dir, 'membrane/flows/note/spec.yaml')
  const text = await readFile(flow, 'utf8')
  expect((await shell.run('diff', '--exit-code')).code).toBe(0)
  await writeFile(flow, text.replace('first: 1', 'first: 2'))
  const diff = await shell.run('diff', '--exit-code')
  expect(diff.code).toBe(5)
  expect(diff.out).toContain('~ change  flow note')
  expect(diff.out).toMatch(/-\s+first: 1\n\+\s+first: 2/)
  expect((await shell.run('push')).code).toBe(2)
  const began = performance.now()
  expect(await shell.run('push', '--yes')).toMatchObject({
    code: 0,
    out: expect.stringContaining('Pushed: 0 added, 1 changed'),
  })
  expect(performance.now() - began).toBeLessThan(20_000)
  expect((await shell.run('push', '--yes')).out).toContain('Nothing to change')
  // Somebody changes it in the console, and somebody here.
  await house.admin.flows.patch({ params: { selector: 'note' }, body: { name: 'Note it' } })
  await writeFile(flow, text.replace('first: 1', 'first: 3'))
  const refused = await shell.run('push', '--yes')
  expect(refused.code).toBe(5)
  expect(refused.err).toContain('changed on the server since the last pull: membrane/flows/note/spec.yaml')
  const pulled = await shell.run('pull')
  expect(pulled.code).toBe(5)
  expect(pulled.out).toContain('conflict membrane/flows/note/spec.yaml')
  expect(await readFile(flow, 'utf8')).toContain('first: 3')
  expect((await shell.run('pull', '--force')).code).toBe(0)
  expect(await readFile(flow, 'utf8')).toContain('name: Note it')
})

test('what is not in the folder is archived with --prune only', async () => {
  await using house = await buildHouse()
  await openShop(house)
  await using shell = await openShell(house)
  await shell.run('pull')
  await rm(path.join(shell.dir, 'membrane/flows'), { recursive: true })
  expect((await shell.run('diff')).out).toContain('push --prune archives it')
  expect((await shell.run('push', '--yes')).out).toContain('Nothing to change')
  expect((await house.admin.flows.list({ query: {} })).items).toHaveLength(1)
  expect((await shell.run('push', '--yes', '--prune')).out).toContain('1 archived')
  expect((await house.admin.flows.list({ query: {} })).items).toHaveLength(0)
  expect((await shell.run('pull')).out).toContain('Nothing new')
})

test('a broken file is refused with its line', async () => {
  await using house = await buildHouse()
  await using shell = await openShell(house)
  await shell.run('pull')
  await mkdir(path.join(shell.dir, 'membrane/flows/bad'), { recursive: true })
  await writeFile(path.join(shell.dir, 'membrane/flows/bad/spec.yaml'), 'key: bad\nnodes: {a\n')
  const pushed = await shell.run('push', '--yes')
  expect(pushed.code).toBe(1)
  expect(pushed.err).toMatch(/flows\/bad\/spec\.yaml:\d: /)
})

test('listen forwards what a receiver would get, signed, and goes on with what came while it was away', async () => {
  await using house = await buildHouse()
  await openShop(house)
  await using shell = await openShell(house)
  await using receiver = await startReceiver()
  const first = shell.begin('listen', `${receiver.url}/hook`, '--events', 'flowRun.completed')
  const secret = await until('the secret is told', 10_000, () => /whsec_\S+/.exec(first.err())?.[0])
  await shell.run('events', 'send', 'order', '{"of": "acme"}')
  const taken = await until('it is forwarded', 20_000, () => receiver.received[0])
  const headers = taken.headers as Record<string, string>
  expect(new Webhook(secret).verify(taken.body, headers)).toMatchObject({ eventType: 'flowRun.completed' })
  await until(
    'it is settled',
    10_000,
    async () => (await house.admin.deliveries.list({ query: { state: 'succeeded' } })).items.length === 1,
  )
  expect(await first.stop()).toBe(0)
  await shell.run('events', 'send', 'order', '{"of": "acme"}')
  await house.settle()
  const second = shell.begin('listen', `${receiver.url}/hook`, '--events', 'flowRun.completed')
  await until('what came meanwhile is forwarded', 20_000, () => receiver.received.length === 2)
  const triggered = await shell.run('trigger', 'alert.created')
  expect(triggered).toMatchObject({ code: 0, out: 'permea listen: taken by the listener where it is running\n' })
  const sample = await until('the sample is forwarded', 20_000, () => receiver.received[2])
  expect(JSON.parse(sample.body)).toMatchObject({ eventType: 'alert.created' })
  await second.stop()
  expect((await shell.run('listen', '--stop')).code).toBe(0)
})

test('a function runs in the sandbox without an engine', async () => {
  await using house = await buildHouse()
  await using shell = await openShell(house)
  const file = path.join(shell.dir, 'handle.ts')
  await writeFile(
    file,
    'export default async function handle({ data, apiClient }: any) {\n  const hook = await apiClient.post("/hooks", {})\n  return { is: data.n + 1, hook: hook.id }\n}\n',
  )
  const ran = await shell.run('functions', 'run', file, '--event', '{"data": {"n": 1}}', '--answer', '{"id": "h1"}')
  expect(ran.err).toContain('apiClient: POST /hooks')
  expect(JSON.parse(ran.out)).toEqual({ is: 2, hook: 'h1' })
  await writeFile(file, 'export default () => {\n  throw new Error("not today")\n}\n')
  expect(await shell.run('functions', 'run', file)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/handle\.ts:2:?\d*: thrown: not today/),
  })
})

test('exit codes tell what is wrong', async () => {
  await using house = await buildHouse()
  await using shell = await openShell(house)
  expect((await shell.run('events', 'show', 'aev_nothing')).code).toBe(1)
  expect((await shell.run('no-such-command')).code).toBe(2)
  expect((await shell.run('--url', 'http://127.0.0.1:9', 'runs', 'tail', '--no-follow')).code).toBe(3)
  expect((await shell.run('--token', 'nonsense', 'runs', 'tail', '--no-follow')).code).toBe(4)
  expect((await shell.run('--help')).code).toBe(0)
  expect((await shell.run('completion', 'bash')).out).toContain('"runs tail"')
})
