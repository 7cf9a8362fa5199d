import { isIP } from 'node:net'
import { type AllowRule, parseEgressAllow } from './outbound/address-policy.ts'
import { basePathOf } from './platform/base-path.ts'
import { readDatabaseUrl } from './platform/database-hosts.ts'
import { isBrokenPhc } from './platform/password.ts'
import { readTracing } from './platform/tracing-config.ts'
import type { TracingConfig } from './platform/tracing-sdk.ts'

export const ROLES = ['api', 'worker', 'scheduler'] as const
export type Role = (typeof ROLES)[number]

/** Everything that the environment decides, checked. */
export interface Config {
  port: number
  host: string
  /** With the base path. */
  publicUrl: string
  /** Files of the certificate and key where the process speaks TLS itself. */
  tls: { certFile: string; keyFile: string } | null
  /** Null: PostgreSQL from the npm package, in the data directory. */
  databaseUrl: string | null
  /** A standby that lists are read from, and how old its rows may be, in milliseconds; null for none. */
  databaseReplica: { url: string; lagMsMax: number } | null
  dataDir: string
  workspace: { key: string; secret: string } | null
  /** Newest first; empty: one is made and kept in the data directory. */
  encryptionKeys: string[]
  egressAllow: AllowRule[]
  /** The file of certificates, as PEM, of who signs others that are believed beside those of the system; null for none. */
  egressCaFile: string | null
  /** Addresses and networks of proxies whose `X-Forwarded-For` says who asks. */
  trustedProxies: string[]
  roles: Set<Role>
  hasExample: boolean
  retentionDays: number
  /** Days that payloads are kept where nothing else is said; null: as long as the rest. */
  payloadRetentionDays: number | null
  /** Days that records of the audit log are kept. */
  auditRetentionDays: number
  logLevel: string
  /** Whether the web console is served. */
  hasConsole: boolean
  /** The password of the console, or its argon2id hash as a PHC string. */
  adminPassword: string | null
  /** The mail server that alerts go out by; null for none. */
  mail: { url: string; from: string } | null
  /** Single sign-on of the console by OpenID Connect; null for none. */
  singleSignOn: SingleSignOnConfig | null
  /** The intake log on NATS; null: events go straight into the database. */
  intakeLog: { url: string; prefix: string; replicas: number; bytesMax: number } | null
  /** What OpenTelemetry's variables ask for; null: no traces, and nothing of it is loaded. */
  tracing: TracingConfig | null
  /** Where the console links a trace to, with `{traceId}` in it; null for nowhere. */
  traceUrl: string | null
}

/** A value in the environment that cannot be used; the message is one line that names the variable. */
export class ConfigProblem extends Error {}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error']

/** Reads the environment; throws a `ConfigProblem` for the first wrong value. */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const text = (name: string): string | null => {
    const value = env[name]?.trim()
    return value === undefined || value === '' ? null : value
  }
  const port = integer(text('PORT'), 'PORT', 4000, 0, 65_535)
  const host = text('HOST') ?? '127.0.0.1'
  const databaseUrl = text('DATABASE_URL')
  checkDatabaseUrl(databaseUrl, 'DATABASE_URL')
  const logLevel = text('PERMEA_LOG_LEVEL') ?? 'info'
  if (!LOG_LEVELS.includes(logLevel))
    throw new ConfigProblem(`PERMEA_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}`)
  const tls = tlsOf(text('PERMEA_TLS_CERT'), text('PERMEA_TLS_KEY'))
  const publicUrl = publicUrlOf(text('PERMEA_PUBLIC_URL'), { host, port, isTls: tls !== null })
  return {
    port,
    host,
    publicUrl: withBasePath(publicUrl, text('PERMEA_BASE_PATH')),
    tls,
    databaseUrl,
    databaseReplica: replicaOf(text, databaseUrl),
    dataDir: text('PERMEA_DATA_DIR') ?? '.permea',
    workspace: workspaceOf(text('PERMEA_WORKSPACE_KEY'), text('PERMEA_WORKSPACE_SECRET')),
    encryptionKeys: encryptionKeysOf(text('PERMEA_ENCRYPTION_KEYS')),
    egressAllow: egressAllowOf(text('PERMEA_EGRESS_ALLOW')),
    egressCaFile: text('PERMEA_EGRESS_CA'),
    trustedProxies: trustedProxiesOf(text('PERMEA_TRUSTED_PROXIES')),
    roles: rolesOf(text('PERMEA_ROLES')),
    hasExample: flag(text('PERMEA_EXAMPLE'), 'PERMEA_EXAMPLE') ?? databaseUrl === null,
    retentionDays: integer(text('PERMEA_RETENTION_DAYS'), 'PERMEA_RETENTION_DAYS', 30, 1, 3650),
    payloadRetentionDays:
      text('PERMEA_PAYLOAD_RETENTION_DAYS') === null
        ? null
        : integer(text('PERMEA_PAYLOAD_RETENTION_DAYS'), 'PERMEA_PAYLOAD_RETENTION_DAYS', 0, 0, 3650),
    auditRetentionDays: integer(text('PERMEA_AUDIT_RETENTION_DAYS'), 'PERMEA_AUDIT_RETENTION_DAYS', 365, 1, 36_500),
    logLevel,
    hasConsole: flag(text('PERMEA_CONSOLE'), 'PERMEA_CONSOLE') ?? true,
    adminPassword: adminPasswordOf(text('PERMEA_ADMIN_PASSWORD')),
    mail: mailOf(text('PERMEA_SMTP_URL'), text('PERMEA_MAIL_FROM')),
    singleSignOn: singleSignOnOf(text),
    intakeLog: intakeLogOf(text),
    tracing: tracingOf(text),
    traceUrl: traceUrlOf(text('PERMEA_TRACE_URL')),
  }
}

function tracingOf(text: (name: string) => string | null): TracingConfig | null {
  try {
    return readTracing(text)
  } catch (error) {
    throw new ConfigProblem((error as Error).message)
  }
}

function traceUrlOf(text: string | null): string | null {
  if (text === null) return null
  const isLink = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && text.includes('{traceId}')
  if (!isLink)
    throw new ConfigProblem(
      'PERMEA_TRACE_URL must be an address with {traceId} in it, such as https://jaeger.example.com/trace/{traceId}',
    )
  return text
}

function flag(text: string | null, name: string): boolean | null {
  if (text !== null && !['0', '1'].includes(text)) throw new ConfigProblem(`${name} must be 0 or 1`)
  return text === null ? null : text === '1'
}

function adminPasswordOf(text: string | null): string | null {
  if (text === null) return null
  if (isBrokenPhc(text))
    throw new ConfigProblem('PERMEA_ADMIN_PASSWORD begins with $ but is not an argon2id hash in PHC form')
  if (text.length < 12) throw new ConfigProblem('PERMEA_ADMIN_PASSWORD must have at least 12 characters')
  return text
}

function mailOf(url: string | null, from: string | null): Config['mail'] {
  if (url === null) {
    if (from !== null) throw new ConfigProblem('PERMEA_SMTP_URL is missing beside PERMEA_MAIL_FROM')
    return null
  }
  if (!URL.canParse(url) || !/^smtps?:$/.test(new URL(url).protocol))
    throw new ConfigProblem('PERMEA_SMTP_URL must be an address such as smtp://user:password@mail.example.com:587')
  if (from === null || !from.includes('@'))
    throw new ConfigProblem('PERMEA_MAIL_FROM must be the address that mail comes from')
  return { url, from }
}

interface SingleSignOnConfig {
  issuer: string
  clientId: string
  clientSecret: string
  name: string
  domains: string[]
  defaultRole: PersonRole | null
  roleClaim: string | null
  roles: Record<string, PersonRole>
}
const PERSON_ROLES = ['owner', 'developer', 'support', 'reader'] as const
type PersonRole = (typeof PERSON_ROLES)[number]

function singleSignOnOf(text: (name: string) => string | null): SingleSignOnConfig | null {
  const [issuer, clientId, clientSecret] = ['ISSUER', 'CLIENT_ID', 'CLIENT_SECRET'].map((name) =>
    text(`PERMEA_OIDC_${name}`),
  )
  const others = ['NAME', 'DOMAINS', 'DEFAULT_ROLE', 'ROLE_CLAIM', 'ROLES'].map((name) => `PERMEA_OIDC_${name}`)
  if (issuer === null || issuer === undefined) {
    for (const name of ['PERMEA_OIDC_CLIENT_ID', 'PERMEA_OIDC_CLIENT_SECRET', ...others])
      if (text(name) !== null) throw new ConfigProblem(`PERMEA_OIDC_ISSUER is missing beside ${name}`)
    return null
  }
  if (!URL.canParse(issuer) || !/^https?:$/.test(new URL(issuer).protocol))
    throw new ConfigProblem('PERMEA_OIDC_ISSUER must be an address such as https://login.example.com')
  if (!clientId) throw new ConfigProblem('PERMEA_OIDC_CLIENT_ID is missing beside PERMEA_OIDC_ISSUER')
  if (!clientSecret) throw new ConfigProblem('PERMEA_OIDC_CLIENT_SECRET is missing beside PERMEA_OIDC_ISSUER')
  const roleClaim = text('PERMEA_OIDC_ROLE_CLAIM')
  const roles = pairsOf(text('PERMEA_OIDC_ROLES'))
  if ((roleClaim === null) !== (Object.keys(roles).length === 0))
    throw new ConfigProblem('PERMEA_OIDC_ROLE_CLAIM and PERMEA_OIDC_ROLES go together')
  const defaultRole = text('PERMEA_OIDC_DEFAULT_ROLE')
  return {
    ...{ issuer, clientId, clientSecret, roleClaim, roles },
    name: text('PERMEA_OIDC_NAME') ?? 'Single sign-on',
    domains: (text('PERMEA_OIDC_DOMAINS') ?? '').split(',').flatMap((each) => each.trim().toLowerCase() || []),
    defaultRole: defaultRole === null ? null : personRoleOf('PERMEA_OIDC_DEFAULT_ROLE', defaultRole),
  }
}

/** `admins=owner,dev team=developer` */
function pairsOf(text: string | null): Record<string, PersonRole> {
  const parts = (text ?? '').split(',').flatMap((each) => each.trim() || [])
  return Object.fromEntries(
    parts.map((part) => {
      const at = part.lastIndexOf('=')
      if (at < 1) throw new ConfigProblem(`PERMEA_OIDC_ROLES: ${JSON.stringify(part)} is not like admins=owner`)
      return [part.slice(0, at).trim(), personRoleOf('PERMEA_OIDC_ROLES', part.slice(at + 1).trim())]
    }),
  )
}

function personRoleOf(name: string, text: string): PersonRole {
  const role = PERSON_ROLES.find((each) => each === text)
  if (role === undefined)
    throw new ConfigProblem(`${name}: ${JSON.stringify(text)} is not one of ${PERSON_ROLES.join(', ')}`)
  return role
}

const MIB = 1024 * 1024

function intakeLogOf(text: (name: string) => string | null): Config['intakeLog'] {
  const url = text('PERMEA_NATS_URL')
  if (url === null) {
    for (const name of ['PERMEA_NATS_PREFIX', 'PERMEA_NATS_REPLICAS', 'PERMEA_NATS_MEGABYTES'])
      if (text(name) !== null) throw new ConfigProblem(`PERMEA_NATS_URL is missing beside ${name}`)
    return null
  }
  for (const place of url.split(',')) {
    if (!URL.canParse(place) || !/^(?:nats|tls):$/.test(new URL(place).protocol))
      throw new ConfigProblem('PERMEA_NATS_URL must be addresses such as nats://a:4222,nats://b:4222,nats://c:4222')
  }
  const prefix = text('PERMEA_NATS_PREFIX') ?? 'permea'
  if (!/^[A-Za-z0-9_-]{1,60}$/.test(prefix))
    throw new ConfigProblem('PERMEA_NATS_PREFIX may have letters, digits, - and _')
  const replicas = integer(text('PERMEA_NATS_REPLICAS'), 'PERMEA_NATS_REPLICAS', 3, 1, 5)
  const megabytes = integer(text('PERMEA_NATS_MEGABYTES'), 'PERMEA_NATS_MEGABYTES', 4096, 1, 10_000_000)
  return { url, prefix, replicas, bytesMax: megabytes * MIB }
}

function integer(text: string | null, name: string, otherwise: number, min: number, max: number): number {
  if (text === null) return otherwise
  const value = Number(text)
  if (!Number.isInteger(value) || value < min || value > max)
    throw new ConfigProblem(`${name} must be a whole number from ${min} to ${max}`)
  return value
}

function checkDatabaseUrl(databaseUrl: string | null, name: string): void {
  try {
    if (databaseUrl !== null) readDatabaseUrl(databaseUrl)
  } catch (error) {
    throw new ConfigProblem(`${name} cannot be used: ${(error as Error).message}`)
  }
}

function replicaOf(text: (name: string) => string | null, databaseUrl: string | null): Config['databaseReplica'] {
  const url = text('DATABASE_READ_URL')
  if (url === null) {
    if (text('PERMEA_READ_LAG_MS') !== null)
      throw new ConfigProblem('DATABASE_READ_URL is missing beside PERMEA_READ_LAG_MS')
    return null
  }
  if (databaseUrl === null) throw new ConfigProblem('DATABASE_URL is missing beside DATABASE_READ_URL')
  checkDatabaseUrl(url, 'DATABASE_READ_URL')
  return { url, lagMsMax: integer(text('PERMEA_READ_LAG_MS'), 'PERMEA_READ_LAG_MS', 2000, 500, 3_600_000) }
}

function publicUrlOf(
  text: string | null,
  { host, port, isTls }: { host: string; port: number; isTls: boolean },
): string {
  if (text === null) {
    const name = host.includes(':') ? `[${host}]` : host === '0.0.0.0' ? '127.0.0.1' : host
    return `${isTls ? 'https' : 'http'}://${name}:${port}`
  }
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new ConfigProblem('PERMEA_PUBLIC_URL must be an http or https address')
  }
  const { search, hash } = new URL(text)
  if (search !== '' || hash !== '') throw new ConfigProblem('PERMEA_PUBLIC_URL must end with a host or a path')
  return text.replace(/\/+$/, '')
}

/** The public address with the base path behind it; it may have it already. */
function withBasePath(publicUrl: string, text: string | null): string {
  const basePath = (text ?? '').replace(/\/+$/, '')
  if (basePath === '') return publicUrl
  if (!/^(?:\/[\w.~-]+)+$/.test(basePath) || /\/\.{1,2}(?:\/|$)/.test(basePath))
    throw new ConfigProblem('PERMEA_BASE_PATH must be a path of letters, digits and -._~, as in /permea')
  const given = basePathOf(publicUrl)
  if (given === basePath) return publicUrl
  if (given === '') return `${publicUrl}${basePath}`
  throw new ConfigProblem(`PERMEA_BASE_PATH is ${basePath}, but PERMEA_PUBLIC_URL has the path ${given}`)
}

function tlsOf(certFile: string | null, keyFile: string | null): Config['tls'] {
  if (certFile === null && keyFile === null) return null
  if (certFile === null) throw new ConfigProblem('PERMEA_TLS_CERT is missing beside PERMEA_TLS_KEY')
  if (keyFile === null) throw new ConfigProblem('PERMEA_TLS_KEY is missing beside PERMEA_TLS_CERT')
  return { certFile, keyFile }
}

function workspaceOf(key: string | null, secret: string | null): Config['workspace'] {
  if (key === null && secret === null) return null
  if (key === null) throw new ConfigProblem('PERMEA_WORKSPACE_KEY is missing beside PERMEA_WORKSPACE_SECRET')
  if (secret === null) throw new ConfigProblem('PERMEA_WORKSPACE_SECRET is missing beside PERMEA_WORKSPACE_KEY')
  if (secret.length < 32) throw new ConfigProblem('PERMEA_WORKSPACE_SECRET must have at least 32 characters')
  return { key, secret }
}

function encryptionKeysOf(text: string | null): string[] {
  const keys = (text ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
  if (keys.some((each) => each.length < 32))
    throw new ConfigProblem('PERMEA_ENCRYPTION_KEYS must have at least 32 characters per key')
  return keys
}

function egressAllowOf(text: string | null): AllowRule[] {
  const rules = parseEgressAllow(text ?? '')
  if ('problem' in rules) throw new ConfigProblem(rules.problem)
  return rules
}

function trustedProxiesOf(text: string | null): string[] {
  const parts = (text ?? '').split(',').map((each) => each.trim())
  const networks = parts.filter((each) => each !== '')
  for (const network of networks) {
    const [address = '', bits, ...more] = network.split('/')
    const version = isIP(address)
    const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
    if (version === 0 || !isPrefix || more.length > 0) {
      const said = JSON.stringify(network)
      throw new ConfigProblem(`PERMEA_TRUSTED_PROXIES: ${said} is no address or network, as in 10.1.0.0/16`)
    }
  }
  return networks
}

function rolesOf(text: string | null): Set<Role> {
  if (text === null) return new Set(ROLES)
  const names = text.split(',').map((each) => each.trim())
  for (const name of names) {
    if (!ROLES.some((role) => role === name))
      throw new ConfigProblem(`PERMEA_ROLES: ${JSON.stringify(name)} is not one of ${ROLES.join(', ')}`)
  }
  return new Set(names as Role[])
}
