import { createPermea, type Permea } from '@permea/sdk'
import { buildHouse, type House, until } from '@permea/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// An engine below a path of another site: every address that it hands out, and every link of its pages, is there.

const PUBLIC = 'http://engine.example.com/tools/permea'

let house: House
let admin: Permea
let anna: Permea

/** The same address at the port of the test. */
const here = (url: string) => url.replace('http://engine.example.com', house.url)

const makeApiClient = { type: 'mapping' as const, mapping: { baseUri: 'https://app.example.com' } }

beforeAll(async () => {
  house = await buildHouse({ engine: { publicUrl: PUBLIC } })
  admin = createPermea({ baseUrl: here(PUBLIC), token: await house.tokenOf({ isAdmin: true }) })
  anna = createPermea({ baseUrl: here(PUBLIC), token: await house.tokenOf({ id: 'anna', name: 'Anna' }) })
  await admin.connectors.create({
    body: {
      key: 'crm',
      name: 'CRM',
      options: {
        key: {
          type: 'client-credentials',
          inputSchema: { type: 'object', properties: { a: { type: 'string' } } },
          makeApiClient,
        },
        sign: {
          type: 'oauth2',
          makeApiClient,
          getOAuthConfig: {
            type: 'mapping',
            mapping: {
              clientId: 'c',
              clientSecret: 's',
              authorizeUri: 'https://app.example.com/authorize',
              tokenUri: 'https://app.example.com/token',
            },
          },
        },
      },
    },
  })
  await admin.integrations.create({ body: { key: 'crm', connectorKey: 'crm', name: 'CRM' } })
})

afterAll(() => house[Symbol.asyncDispose]())

/** Addresses of the page's own site that it links, loads, or sends forms to. */
function linksOf(html: string): string[] {
  return [...html.matchAll(/\b(?:href|src|action)="([^"]*)"/g)]
    .map(([, link = '']) => link.replaceAll('&amp;', '&'))
    .filter((link) => link.startsWith('/'))
}

async function page(path: string, init?: RequestInit): Promise<string> {
  const answer = await fetch(here(`${PUBLIC}${path}`), init)
  expect(answer.headers.get('content-type')).toContain('text/html')
  return answer.text()
}

describe('pages', () => {
  test('every link of every page leads below the base path, to something that is there', async () => {
    const token = await house.tokenOf({ id: 'anna' })
    const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } }
    const asked = { ...form, body: new URLSearchParams({ payload: JSON.stringify({ token, integrationKey: 'crm' }) }) }
    const choice = await page('/connect', asked)
    const link = /name="request" value="([^"]+)"/.exec(choice)?.[1] ?? ''
    const chosen = (key: string) => ({ ...form, body: new URLSearchParams({ request: link, authOptionKey: key }) })
    const pages = {
      docs: await page('/docs'),
      choice,
      form: await page('/connect', chosen('key')),
      confirm: await page('/connect', chosen('sign')),
      framed: await page('/connect', {
        ...chosen('sign'),
        headers: { ...form.headers, 'sec-fetch-dest': 'iframe', origin: 'http://engine.example.com' },
      }),
      nothing: await page('/connect?request=made-up'),
      over: await page('/oauth-callback?state=none'),
      portal: await page('/portal', { ...form, body: new URLSearchParams({ token }) }),
      blankPortal: await page('/portal'),
      noPortal: await page('/portal?token=wrong'),
    }
    const links = Object.entries(pages).map(([name, html]) => [name, linksOf(html)] as const)
    for (const [name, found] of links) expect(found, name).not.toEqual([])
    expect(pages.framed).toContain('window=own')
    for (const path of new Set(links.flatMap(([, found]) => found))) {
      expect(path).toMatch(/^\/tools\/permea\//)
      // The address of the forms alone says that it needs what they send.
      const isForm = path.endsWith('/connect')
      expect((await fetch(`${house.url}${path}`)).status, path).toBe(isForm ? 400 : 200)
    }
  })

  test('what the browser is sent to, and its cookies, are below it', async () => {
    const token = await house.tokenOf({ id: 'anna' })
    const go = (path: string, init?: RequestInit) => fetch(here(`${PUBLIC}${path}`), { redirect: 'manual', ...init })
    const root = await go('/', { headers: { accept: 'text/html' } })
    expect(root.headers.get('location')).toBe('/tools/permea/docs')
    expect(await (await go('')).json()).toMatchObject({ docs: '/tools/permea/docs' })
    const begun = await go(`/connect?token=${token}&integrationKey=crm&authOptionKey=sign`)
    const address = begun.headers.get('location') ?? ''
    expect(address).toMatch(`${PUBLIC}/connect?request=`)
    const away = await fetch(here(`${PUBLIC}/connect`), {
      redirect: 'manual',
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ request: new URL(address).searchParams.get('request') ?? '', authOptionKey: 'sign' }),
    })
    expect(away.status).toBe(303)
    expect(away.headers.get('set-cookie')).toContain('Path=/tools/permea/oauth-callback;')
    const target = new URL(away.headers.get('location') ?? '')
    expect(target.searchParams.get('redirect_uri')).toBe(`${PUBLIC}/oauth-callback`)
    const formPost = await go('/oauth-callback', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'state=x&code=y',
    })
    expect(formPost.headers.get('location')).toBe('/tools/permea/oauth-callback?state=x&code=y')
  })
})

describe('addresses', () => {
  test('of webhooks, archives and the API are reached where they say', async () => {
    const type = await admin.appEventTypes.create({ body: { key: 'order', tenantIdFormula: { $var: '$.of' } } })
    const uri = type.globalWebhookUri ?? ''
    expect(uri).toMatch(`${PUBLIC}/webhooks/app-events/`)
    const sent = await fetch(here(uri), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await house.tokenOf({ id: 'anna' })}` },
      body: '{"of": "anna"}',
    })
    expect(sent.status).toBe(200)
    expect((await anna.appEvents.list({})).items).toHaveLength(1)
    const { jobId, accessKey } = await admin.workspaceFiles.export()
    const { result } = await until('the archive is there', 20_000, async () => {
      const job = await admin.workspaceFiles.backgroundJob({ params: { job: `${jobId}:${accessKey}` } })
      return job.finishedAt === undefined ? undefined : job
    })
    const { downloadUrl } = result as { downloadUrl: string }
    expect(downloadUrl).toMatch(`${PUBLIC}/background-jobs/`)
    expect((await fetch(here(downloadUrl))).status).toBe(200)
    const openApi = (await (await fetch(here(`${PUBLIC}/openapi.json`))).json()) as { servers: unknown }
    expect(openApi.servers).toEqual([{ url: PUBLIC }])
  })

  test('are the same where a proxy has taken the path off, and what only begins alike is something else', async () => {
    expect((await fetch(`${house.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${house.url}/tools/permea?x=1`)).status).toBe(200)
    expect((await fetch(`${house.url}/tools/permeated/healthz`)).status).toBe(404)
    expect((await fetch(`${house.url}/tools/permea/tools/permea/healthz`)).status).toBe(404)
  })
})
