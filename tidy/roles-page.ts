import {
  ApiKeyScope,
  BESIDE_CONTRACT,
  contract,
  type EndpointTable,
  PERMISSIONS,
  type Permission,
  ROLE_PERMISSIONS,
  SENDER_PERMISSIONS,
} from '@permea/contract'

const SCOPES = ApiKeyScope.options

/** Who may what, permission by permission and endpoint by endpoint. */
export function rolesPage(printCommand: string): string {
  const permissions = Object.entries(PERMISSIONS).map(([name, meaning]) =>
    row([`\`${name}\``, meaning, ...marks(name as Permission)]),
  )
  const endpoints = Object.entries<EndpointTable>(contract).flatMap(([group, table]) =>
    Object.entries(table).map(([name, { method, path, needs }]) =>
      row([`${group}.${name}`, `\`${method} ${path}\``, `\`${needs}\``, ...marks(needs)]),
    ),
  )
  const beside = BESIDE_CONTRACT.map(({ method, path, summary, needs }) =>
    row([summary, `\`${method} ${path}\``, `\`${needs}\``, ...marks(needs)]),
  )
  return `<!-- Printed from contract/src/roles.ts and the contract by \`${printCommand}\`; change it there. -->

# Roles

Every person of the console has a role in a workspace; every API key has a scope, which is a role or \`events:send\`. Each
endpoint needs one permission. The table at the end is run whole, line by line and role by role, by
\`server/src/api/roles.test.ts\`. Tokens of customers have no role: they see and change what is the customer's own. The
workspace's secret may everything, and so does an admin token signed with it.

\`support\` and \`reader\` see no payloads and no secrets. Of a payload they see how it is built: names of fields that look
like such, and \`‹text›\`, \`‹number›\` or \`‹true or false›\` in the place of values. Of errors they see class and key, since
messages quote what was sent. This holds for every answer of the API, and so for lists, single items, exports, search and
the console. Lists can still be searched for a text by whoever knows it already.

${row(['Permission', 'Lets one', ...SCOPES])}
${row(['---', '---', ...SCOPES.map(() => ':-:')])}
${permissions.join('\n')}

\`installation\` counts in the main workspace alone: whoever owns it makes and bounds workspaces
(\`docs/operate/workspaces.md\`).

What is asked for beside may need more: \`includeSecrets\` needs \`secrets\` (of the workspace itself: \`workspace\`),
\`autoCreate\` needs \`customers\`, and to make an admin token needs \`workspace\`.

## Every endpoint

${row(['Endpoint', '', 'Needs', ...SCOPES])}
${row(['---', '---', '---', ...SCOPES.map(() => ':-:')])}
${[...endpoints, ...beside].join('\n')}
`
}

function marks(needs: Permission): string[] {
  const may = (scope: ApiKeyScope) => (scope === 'events:send' ? SENDER_PERMISSIONS : ROLE_PERMISSIONS[scope])
  return SCOPES.map((scope) => (may(scope).includes(needs) ? 'yes' : '–'))
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
