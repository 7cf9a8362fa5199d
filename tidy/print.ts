import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  AUDIT_ACTIONS_BESIDE,
  auditElementTypeOf,
  contract,
  type Endpoint,
  ERRORS,
  PERMISSIONS,
  WorkspaceEventType,
} from '@permea/contract'
import { REMEDIES } from '@permea/contract/remedies'
import { referencePage } from '../cli/src/reference-page.ts'
import { openApi } from '../server/src/api/openapi.ts'
import { webhookVendorCatalogue } from '../server/src/webhook-vendors/catalogue.ts'
import { vendorsPage } from '../server/src/webhook-vendors/vendors-page.ts'
import { connectorsPage } from './connectors-page.ts'
import { dependenciesPage } from './dependencies-page.ts'
import { limitsPage } from './limits-page.ts'
import { oauthAppFiles } from './oauth-apps.ts'
import { rolesPage } from './roles-page.ts'
import { ROOT } from './source-files.ts'

/** How to bring the printed files up to date; complaints end with it. */
export const PRINT_COMMAND = 'node tidy/print.ts'

const PUBLIC_URL = 'http://127.0.0.1:4000'

/** The documents that follow from the contract alone, by path, as they must be committed. */
export async function printed(): Promise<Record<string, string>> {
  return {
    ...oauthAppFiles(PRINT_COMMAND),
    'docs/use/cli.md': referencePage(PRINT_COMMAND),
    'docs/operate/dependencies.md': dependenciesPage(PRINT_COMMAND),
    'docs/operate/limits.md': limitsPage(PRINT_COMMAND),
    'docs/operate/roles.md': rolesPage(PRINT_COMMAND),
    'docs/use/errors.md': errorsPage(),
    'docs/use/ready-made-connectors.md': await connectorsPage(webhookVendorCatalogue(connectorKeys()), PRINT_COMMAND),
    'docs/use/vendors.md': vendorsPage(webhookVendorCatalogue(connectorKeys()), PRINT_COMMAND),
    'sdk/src/facts.json': facts(),
    'console/src/session/facts.json': consoleFacts(),
    'docs/use/openapi.json': `${JSON.stringify(await openApi(PUBLIC_URL), null, 2)}\n`,
  }
}

/** The ready-made connectors, by the names of their directories. */
function connectorKeys(): string[] {
  const entries = readdirSync(join(ROOT, 'connectors'), { withFileTypes: true })
  return entries.filter((each) => each.isDirectory()).map(({ name }) => name)
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(
    ([key, error]) =>
      `| \`${key}\` | ${error.status} | \`${error.type}\` | ${cell(error.meaning)} | ${cell(REMEDIES[key]?.remedy ?? '')} |`,
  )
  const recorded = Object.entries(REMEDIES).flatMap(([key, { remedy }]) =>
    Object.hasOwn(ERRORS, key) ? [] : [`| \`${key}\` | ${cell(remedy)} |`],
  )
  return `<!-- Printed from contract/src/errors.ts by \`${PRINT_COMMAND}\`; change it there. -->

# Errors

Every refusal and failure is a bare JSON object: \`type\` is its class, \`key\` says which error it is, \`message\` is for
people, and \`data\`, where present, has the details. Rely on \`key\` and on the HTTP status; messages may change. Which
endpoint answers with which key is in \`docs/use/openapi.json\`.

\`\`\`json
{ "type": "bad_request", "key": "not_found", "message": "there is no flow \\"crm.sync\\"" }
\`\`\`

| key | status | type | meaning | what to do |
|---|---|---|---|---|
${rows.join('\n')}

Records of runs, connections, subscriptions and attempts to deliver have these as well, or as the class of the error:

| key | what to do |
|---|---|
${recorded.join('\n')}
`
}

/**
 * What a client needs of the contract while it runs: method and path of every endpoint, whether it is `public` (takes no
 * token) or `empty` (answers with no body), and what a workspace may be told of.
 */
function facts(): string {
  const endpoints = Object.entries<Record<string, Endpoint>>(contract).map(([group, table]) => {
    const lines = Object.entries(table).map(([name, { method, path, access, answer }]) => {
      const marks = [...(access === 'public' ? ['public'] : []), ...(answer === null ? ['empty'] : [])]
      return [name, [method, path, ...marks].join(' ')]
    })
    return [group, Object.fromEntries(lines)]
  })
  const all = { endpoints: Object.fromEntries(endpoints), workspaceEventTypes: WorkspaceEventType.options }
  return `${JSON.stringify(all, null, 2)}\n`
}

/** What everybody may who is signed in. */
const OF_EVERYBODY = ['none', 'account', 'read']

/**
 * What the console needs of the contract beside that: which endpoint needs which permission, where not everybody has it, and
 * what the audit log is filtered by. The contract itself would be half of what a browser loads.
 */
function consoleFacts(): string {
  const all = Object.entries<Record<string, Endpoint>>(contract).flatMap(([group, table]) =>
    Object.entries(table).map(([name, { method, needs }]) => ({ group, name: `${group}.${name}`, method, needs })),
  )
  const guarded = all.filter(({ needs }) => !OF_EVERYBODY.includes(needs))
  const changing = all.filter(({ method }) => method !== 'GET')
  const needs = Object.groupBy(guarded, (each) => each.needs)
  const facts = {
    permissions: PERMISSIONS,
    needs: Object.fromEntries(Object.entries(needs).map(([need, those]) => [need, those.map(({ name }) => name)])),
    auditElementTypes: [...new Set(changing.map(({ group }) => auditElementTypeOf(group)))].sort(),
    auditActions: [...changing.map(({ name }) => name), ...AUDIT_ACTIONS_BESIDE].sort(),
  }
  return `${JSON.stringify(facts, null, 2)}\n`
}

/** Text as it may stand in a cell of a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await printed())) writeFileSync(join(ROOT, path), text)
}
