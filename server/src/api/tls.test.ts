import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { connect, Server as TlsServer } from 'node:tls'
import { promisify } from 'node:util'
import { buildHouse, type House, until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../platform/database.ts'
import { silentLog } from '../platform/log.ts'
import { keepCertificateCurrent, readCertificate } from '../platform/tls-files.ts'

// An engine that speaks TLS itself, with certificates made here.

let dir: string
let house: House
let files: { certFile: string; keyFile: string }

const file = (name: string) => path.join(dir, name)

async function makeCertificate(name: string): Promise<void> {
  const options = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650'.split(' ')
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  const out = ['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)]
  await promisify(execFile)('openssl', ['req', ...options, ...subject, ...out])
}

async function ask(urlPath: string, options: RequestOptions, body = ''): Promise<{ status: number; body: string }> {
  const asked = request(`${house.url.replace('http:', 'https:')}${urlPath}`, { agent: false, ...options }).end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: answer.statusCode ?? 0, body: await text(answer) }
}

async function nameOfCertificate(): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(house.url).port), rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { CN } = socket.getPeerCertificate().subject
  socket.destroy()
  return String(CN)
}

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'permea-tls-'))
  await Promise.all(['first', 'second'].map(makeCertificate))
  files = { certFile: file('used.crt'), keyFile: file('used.key') }
  await copyFile(file('first.crt'), files.certFile)
  await copyFile(file('first.key'), files.keyFile)
  house = await buildHouse({ engine: { tls: await readCertificate(files) } })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

test('over TLS the API answers those who trust the certificate, and nothing is said without TLS', async () => {
  const ca = await readFile(files.certFile)
  expect(await ask('/healthz', { ca })).toMatchObject({ status: 200 })
  await expect(ask('/healthz', {})).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  await expect(fetch(`${house.url}/healthz`)).rejects.toThrow()
  await expect(ask('/healthz', { ca, maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toThrow()
})

test('a renewed certificate is taken up; one without its key is not, and the old one stays', async () => {
  const { server } = house.engine.app
  if (!(server instanceof TlsServer)) throw new Error('the server does not speak TLS')
  const said: string[] = []
  const note = (_about: object, message: string) => void said.push(message)
  const stop = keepCertificateCurrent(server, files, { ...silentLog, info: note, error: note }, 20)
  try {
    await copyFile(file('second.crt'), files.certFile)
    await until('it is refused', 20_000, () => said.some((each) => each.includes('cannot be used')))
    expect(await nameOfCertificate()).toBe('first')
    await copyFile(file('second.key'), files.keyFile)
    await until('it is in use', 20_000, () => said.some((each) => each.includes('in use')))
    expect(await nameOfCertificate()).toBe('second')
  } finally {
    stop()
  }
})

test('files that cannot be used are named by their variable', async () => {
  await writeFile(file('none.crt'), 'nothing')
  const told = (certFile: string, keyFile: string) =>
    readCertificate({ certFile: file(certFile), keyFile: file(keyFile) })
  await expect(told('absent.crt', 'first.key')).rejects.toThrow(
    /^PERMEA_TLS_CERT: .*absent\.crt cannot be read \(ENOENT/,
  )
  await expect(told('none.crt', 'first.key')).rejects.toThrow(/^PERMEA_TLS_CERT: .*is no certificate/)
  await expect(told('first.crt', 'second.key')).rejects.toThrow(/^PERMEA_TLS_KEY: .*is not the key of/)
})

test('stopping waits for requests that are under way', async () => {
  const { database } = house.engine
  const ca = await readFile(files.certFile)
  const headers = {
    authorization: `Bearer ${await house.tokenOf({ isAdmin: true })}`,
    'content-type': 'application/json',
  }
  let answer: Promise<{ status: number; body: string }> | null = null
  let closing: Promise<void> | null = null
  await database.transaction(async (tx) => {
    await sql`select from workspaces for update`.execute(tx)
    answer = ask(`/workspaces/${house.workspace.key}`, { method: 'PATCH', ca, headers }, '{"name": "Last words"}')
    await until('the request waits', 20_000, async () => {
      const { rows } = await sql`
        select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
        database.db,
      )
      return rows.length > 0
    })
    closing = house.engine.app.close()
    const sinceMs = performance.now()
    await until('connections over which nothing comes are gone', 20_000, () => performance.now() - sinceMs > 1500)
  })
  expect(await answer).toMatchObject({ status: 200, body: expect.stringContaining('Last words') })
  await closing
})
