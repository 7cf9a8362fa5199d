import { describe, expect, test } from 'vitest'
import { ConfigProblem, readConfig } from './config.ts'

test('an empty environment gives an engine that starts on this machine with an example', () => {
  expect(readConfig({})).toMatchObject({
    port: 4000,
    host: '127.0.0.1',
    publicUrl: 'http://127.0.0.1:4000',
    databaseUrl: null,
    databaseReplica: null,
    workspace: null,
    encryptionKeys: [],
    egressAllow: [],
    hasExample: true,
    retentionDays: 30,
    payloadRetentionDays: null,
  })
  expect([...readConfig({}).roles]).toEqual(['api', 'worker', 'scheduler'])
})

const LONG = 'x'.repeat(32)

test('every value is read', () => {
  const config = readConfig({
    PORT: ' 8080 ',
    HOST: '::1',
    DATABASE_URL: 'postgresql://db/permea',
    PERMEA_PUBLIC_URL: 'https://events.example.com/base//',
    PERMEA_DATA_DIR: '/data',
    PERMEA_WORKSPACE_KEY: 'key',
    PERMEA_WORKSPACE_SECRET: LONG,
    PERMEA_ENCRYPTION_KEYS: ` ${LONG}1 , ${LONG}2,`,
    PERMEA_EGRESS_ALLOW: '10.1.0.0/16,127.0.0.1/32:9100',
    PERMEA_TRUSTED_PROXIES: '10.1.0.0/16, ::1',
    PERMEA_ROLES: 'api, scheduler',
    PERMEA_EXAMPLE: '1',
    PERMEA_RETENTION_DAYS: '7',
    PERMEA_LOG_LEVEL: 'debug',
  })
  expect(config).toMatchObject({
    port: 8080,
    host: '::1',
    databaseUrl: 'postgresql://db/permea',
    publicUrl: 'https://events.example.com/base',
    dataDir: '/data',
    workspace: { key: 'key', secret: LONG },
    encryptionKeys: [`${LONG}1`, `${LONG}2`],
    egressAllow: [
      { network: '10.1.0.0', prefixBits: 16, port: null },
      { network: '127.0.0.1', prefixBits: 32, port: 9100 },
    ],
    trustedProxies: ['10.1.0.0/16', '::1'],
    hasExample: true,
    retentionDays: 7,
    payloadRetentionDays: null,
    logLevel: 'debug',
  })
  expect([...config.roles]).toEqual(['api', 'scheduler'])
})

test('a read replica is named by its own variable', () => {
  const env = { DATABASE_URL: 'postgres://db/permea', DATABASE_READ_URL: 'postgres://standby/permea' }
  expect(readConfig(env).databaseReplica).toEqual({ url: 'postgres://standby/permea', lagMsMax: 2000 })
  expect(readConfig({ ...env, PERMEA_READ_LAG_MS: '500' }).databaseReplica?.lagMsMax).toBe(500)
  expect(() => readConfig({ ...env, DATABASE_URL: '' })).toThrow('DATABASE_URL is missing beside DATABASE_READ_URL')
  expect(() => readConfig({ ...env, DATABASE_READ_URL: 'mysql://x' })).toThrow('DATABASE_READ_URL cannot be used')
  expect(() => readConfig({ ...env, PERMEA_READ_LAG_MS: '1' })).toThrow('PERMEA_READ_LAG_MS must be')
  expect(() => readConfig({ PERMEA_READ_LAG_MS: '500' })).toThrow('DATABASE_READ_URL is missing')
})

test('everything may be below a path of another site', () => {
  const urlOf = (publicUrl: string | undefined, basePath: string) =>
    readConfig({ PERMEA_PUBLIC_URL: publicUrl, PERMEA_BASE_PATH: basePath }).publicUrl
  expect(urlOf(undefined, '/permea')).toBe('http://127.0.0.1:4000/permea')
  expect(urlOf('https://a.example.com', '/tools/permea/')).toBe('https://a.example.com/tools/permea')
  expect(urlOf('https://a.example.com/permea', '/permea')).toBe('https://a.example.com/permea')
  expect(urlOf('https://a.example.com/permea', '')).toBe('https://a.example.com/permea')
  expect(() => urlOf('https://a.example.com/other', '/permea')).toThrow(/PERMEA_BASE_PATH is \/permea, but/)
  for (const wrong of ['permea', '/a//b', '/a/../b', '/a?b', '/<x>', `${'/'.repeat(3)}x`])
    expect(() => urlOf(undefined, wrong), wrong).toThrow(/^PERMEA_BASE_PATH must be a path/)
})

test('TLS needs a certificate and its key, and changes the address', () => {
  const files = { PERMEA_TLS_CERT: '/a.crt', PERMEA_TLS_KEY: '/a.key' }
  const config = readConfig(files)
  expect(config).toMatchObject({ publicUrl: 'https://127.0.0.1:4000', tls: { certFile: '/a.crt', keyFile: '/a.key' } })
  expect(() => readConfig({ ...files, PERMEA_TLS_KEY: '' })).toThrow('PERMEA_TLS_KEY is missing')
  expect(() => readConfig({ ...files, PERMEA_TLS_CERT: undefined })).toThrow('PERMEA_TLS_CERT is missing')
})

test('the public address is made of host and port where none is given', () => {
  expect(readConfig({ HOST: '::1', PORT: '1' }).publicUrl).toBe('http://[::1]:1')
  expect(readConfig({ HOST: '0.0.0.0' }).publicUrl).toBe('http://127.0.0.1:4000')
})

test('an installation with a database of its own has no example unless asked for', () => {
  expect(readConfig({ DATABASE_URL: 'postgres://db/permea' }).hasExample).toBe(false)
  expect(readConfig({ PERMEA_EXAMPLE: '0' }).hasExample).toBe(false)
})

describe('a wrong value is refused in one line that names the variable', () => {
  const wrong: [string, string][] = [
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '4000.5'],
    ['PORT', 'http'],
    ['DATABASE_URL', 'mysql://db'],
    ['PERMEA_PUBLIC_URL', 'events.example.com'],
    ['PERMEA_PUBLIC_URL', 'ftp://events.example.com'],
    ['PERMEA_WORKSPACE_SECRET', LONG],
    ['PERMEA_ENCRYPTION_KEYS', `${LONG},short`],
    ['PERMEA_EGRESS_ALLOW', '10.1.0.0/33'],
    ['PERMEA_EGRESS_ALLOW', 'localhost'],
    ['PERMEA_TRUSTED_PROXIES', '10.1.0.0/33'],
    ['PERMEA_TRUSTED_PROXIES', 'proxy.example.com'],
    ['PERMEA_ROLES', 'api,cook'],
    ['PERMEA_ROLES', ','],
    ['PERMEA_EXAMPLE', 'yes'],
    ['PERMEA_RETENTION_DAYS', '0'],
    ['PERMEA_LOG_LEVEL', 'loud'],
    ['PERMEA_OIDC_ISSUER', 'login.example.com'],
    ['PERMEA_OIDC_CLIENT_ID', 'permea'],
  ]

  test.each(wrong)('%s=%s', (name, value) => {
    let problem: unknown
    try {
      readConfig({ [name]: value })
    } catch (error) {
      problem = error
    }
    expect(problem).toBeInstanceOf(ConfigProblem)
    const { message } = problem as ConfigProblem
    expect(message).toContain(name)
    expect(message).not.toContain('\n')
  })

  test('a workspace secret that is short, or a key without it', () => {
    expect(() => readConfig({ PERMEA_WORKSPACE_KEY: 'key' })).toThrow('PERMEA_WORKSPACE_SECRET')
    const short = { PERMEA_WORKSPACE_KEY: 'key', PERMEA_WORKSPACE_SECRET: 'too short to keep' }
    expect(() => readConfig(short)).toThrow(/PERMEA_WORKSPACE_SECRET must have at least 32 characters/)
    expect(() => readConfig(short)).not.toThrow('too short to keep')
  })
})
