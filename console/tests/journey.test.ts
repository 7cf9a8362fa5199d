import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createPermea, type Permea } from '@permea/sdk'
import { answering, keptPort, type Receiver, startReceiver, tokenOfWorkspace, until } from '@permea/testkit'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from './browser.ts'
import { travel } from './journey.ts'

// From the README to customers who connect their apps, as a person goes: in the light, on a phone, and in the dark by
// keyboard alone. Everything is typed key by key.

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const BUILD = fileURLToPath(new URL('../build.ts', import.meta.url))
const STEP_MS = 60_000

let dataDir: string
let engine: ChildProcess
let url: string
let printed = ''
let app: Receiver
let product: Server
let productUrl: string
let browser: Browser
let workspace: { key: string; secret: string }
/** The cookies of who signed in with the printed link. */
let signedIn: Awaited<ReturnType<BrowserContext['storageState']>>

beforeAll(async () => {
  await promisify(execFile)(process.execPath, [BUILD])
  dataDir = await mkdtemp(path.join(tmpdir(), 'permea-journey-'))
  app = await startReceiver()
  app.behave((request, response) => {
    const isThere = /\/(orders|hooks)$/.test(request.path) || request.headers['x-key'] === 'good'
    void answering(isThere ? 200 : request.path === '/me' ? 401 : 404, {})(request, response)
  })
  await readmeSaysSo()
  engine = await started()
  const secrets = JSON.parse(await readFile(path.join(dataDir, 'secrets.json'), 'utf8')) as Record<string, string>
  workspace = { key: secrets.workspaceKey ?? '', secret: secrets.workspaceSecret ?? '' }
  const admin = createPermea({ baseUrl: url, token: tokenOfWorkspace(workspace, { isAdmin: true }) })
  await offerTheCrm(admin)
  product = createServer((request, response) => {
    const token = tokenOfWorkspace(workspace, { id: `shop-${(request.url ?? '').slice(1)}` })
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(productPage(url, token))
  }).listen(0, '127.0.0.1')
  await once(product, 'listening')
  productUrl = `http://localhost:${(product.address() as AddressInfo).port}`
  browser = await launchBrowser()
  await signIn()
})
afterAll(async () => {
  await browser?.close()
  product?.close()
  product?.closeAllConnections()
  engine?.kill('SIGTERM')
  if (engine?.exitCode === null) await once(engine, 'exit')
  await app[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true, force: true })
})

/** What README says is what is done here. */
async function readmeSaysSo(): Promise<void> {
  const [readme, manifest] = await Promise.all(
    ['README.md', 'package.json'].map((file) => readFile(ROOT + file, 'utf8')),
  )
  expect(readme).toContain('\nnpm ci && npm start ')
  expect(readme).toContain('a link that signs in to the [console]')
  expect((JSON.parse(manifest ?? '') as { scripts: Record<string, string> }).scripts.start).toBe(
    'node server/src/main.ts',
  )
}

/** `npm start`, with nothing but a place and ports of its own. */
async function started(): Promise<ChildProcess> {
  const process_ = spawn(process.execPath, ['server/src/main.ts'], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH ?? '',
      PORT: String(await keptPort()),
      PERMEA_DATA_DIR: dataDir,
      PERMEA_EGRESS_ALLOW: `127.0.0.1/32:${new URL(app.url).port}`,
      PERMEA_LOG_LEVEL: 'error',
      NODE_COMPILE_CACHE: path.join(tmpdir(), 'permea-compile-cache'),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process_.stdout.on('data', (chunk: Buffer) => {
    printed += String(chunk)
  })
  url = await until('it says where it is', 110_000, () => /running on (http:\S+)/.exec(printed)?.[1])
  await until('it says all of it', 20_000, () => printed.includes('and what the receiver got'))
  return process_
}

async function offerTheCrm(admin: Permea): Promise<void> {
  const inputSchema = {
    type: 'object',
    properties: { apiKey: { type: 'string', title: 'API key' } },
    required: ['apiKey'],
  }
  const mapping = { baseUri: app.url, headers: { 'x-key': { $var: '$.credentials.apiKey' } } }
  const test = 'export default async ({ apiClient }) => { await apiClient.get("/me") }'
  await admin.connectors.create({
    body: {
      key: 'crm',
      name: 'CRM',
      options: { key: { type: 'client-credentials', inputSchema, makeApiClient: { type: 'mapping', mapping }, test } },
    },
  })
  await admin.integrations.create({ body: { key: 'crm', name: 'CRM', connectorKey: 'crm' } })
}

const productPage = (engine: string, token: string) => `<!doctype html>
<html lang="en"><head><title>Product</title><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"></head><body><main><h1>Your apps</h1>
<button>Connect the CRM</button> <output></output><div id="portal"></div></main>
<script type="module">
import { permea } from '${engine}/connect/permea.js'
const token = () => '${token}'
document.querySelector('button').addEventListener('click', async () => {
  const { connection } = await permea.connect({ token, integrationKey: 'crm' })
  document.querySelector('output').textContent = 'connected ' + connection.id
  permea.portal({ token, element: document.getElementById('portal') })
})
</script></body></html>`

/** By the link that was printed, which is good for once: the others come with the cookie that it gave. */
async function signIn(): Promise<void> {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(/(http:\S+\/console\/sign-in#\S+)/.exec(printed)?.[1] ?? 'no link was printed')
  await page.getByRole('navigation', { name: 'Pages' }).waitFor()
  // The example has run once; its run is one click from the first page.
  await page.getByRole('heading', { level: 1 }).first().waitFor()
  signedIn = await context.storageState()
  await context.close()
}

const triesOf = new Map<string, number>()

test.each([
  { word: 'light', scheme: 'light', width: 1280 },
  { word: 'narrow', scheme: 'light', width: 400 },
  // In the dark, too.
  { word: 'keyboard', scheme: 'dark', width: 1280 },
] as const)(
  'the whole journey: $word',
  async ({ word, scheme, width }) => {
    const context = await browser.newContext({
      storageState: signedIn,
      viewport: { width, height: 800 },
      colorScheme: scheme,
      locale: 'en-GB',
      reducedMotion: 'reduce',
    })
    context.setDefaultTimeout(STEP_MS)
    const tries = (triesOf.get(word) ?? 0) + 1
    triesOf.set(word, tries)
    await travel({
      // What was made at a first try is still there at a second.
      word: tries === 1 ? word : `${word}-${tries}`,
      context,
      isByKeyboard: word === 'keyboard',
      urls: { engine: url, app: app.url, product: productUrl },
      received: (at) => app.received.filter((each) => each.path === at).length,
    })
    await context.close()
  },
  600_000,
)
