import { z } from 'zod'

/** What a person or an API key is in a workspace. */
export const Role = z.enum(['owner', 'developer', 'support', 'reader']).meta({ id: 'Role' })
export type Role = z.output<typeof Role>

/** What may be allowed. Each endpoint names the one that it needs; `none` is needed by what anybody may read. */
export const PERMISSIONS = {
  none: 'What anybody may read',
  account: 'One’s own account: password, second factor, sessions',
  read: 'Look at definitions, records and logs; without `payloads` and `secrets` these are masked',
  operate: 'Repeat and stop runs, resend deliveries, replay, resolve alerts',
  send: 'Send events',
  payloads: 'See payloads: events, inputs and outputs, requests and answers, fields of customers, logs',
  test: 'Run flows, actions and functions, send requests to apps, read and write records in apps',
  customers: 'Change customers, their connections, subscriptions and what they have of flows',
  define: 'Change definitions; import and export the workspace',
  secrets: 'See secrets and webhook addresses, make tokens of customers',
  people: 'Invite and remove people, change roles, make API keys',
  workspace: 'Change the workspace; see its secret; make admin tokens',
  installation: 'Make and bound workspaces; only in the main workspace of the installation',
} as const
export type Permission = keyof typeof PERMISSIONS

const READER = ['none', 'account', 'read'] as const satisfies Permission[]
const SUPPORT = [...READER, 'operate'] as const satisfies Permission[]
const DEVELOPER = [
  ...SUPPORT,
  ...(['send', 'payloads', 'test', 'customers', 'define', 'secrets'] as const satisfies Permission[]),
] as const

/** The one table of who may what. */
export const ROLE_PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = {
  owner: Object.keys(PERMISSIONS) as Permission[],
  developer: DEVELOPER,
  support: SUPPORT,
  reader: READER,
}

/** What API keys may whose scope is to send events, and nothing else. */
export const SENDER_PERMISSIONS: readonly Permission[] = ['none', 'send']

/** Who asks for what stands beside the contract, as it is for browsers and other programs. */
export const BESIDE_CONTRACT: readonly { method: string; path: string; summary: string; needs: Permission }[] = [
  { method: 'POST', path: '/import', summary: 'Upload files of a workspace', needs: 'define' },
  { method: 'GET', path: '/audit-log/export', summary: 'Export the audit log', needs: 'workspace' },
  { method: 'GET', path: '/sse/workspace', summary: 'Hear of changes', needs: 'read' },
  { method: 'GET', path: '/sse/connection-events/:requestId', summary: 'Hear of a connection', needs: 'customers' },
  { method: 'POST', path: '/connections/:selector/proxy', summary: 'Any request to an app', needs: 'test' },
  { method: 'POST', path: '/webhooks/app-events/:webhookKey', summary: 'Send events of any customer', needs: 'send' },
]
