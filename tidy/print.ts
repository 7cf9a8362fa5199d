import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERRORS } from '@permea/contract'
import { openApi } from '../server/src/api/openapi.ts'
import { ROOT } from './source-files.ts'

/** How to bring the printed files up to date; complaints end with it. */
export const PRINT_COMMAND = 'node tidy/print.ts'

const PUBLIC_URL = 'http://127.0.0.1:4000'

/** The documents that follow from the contract alone, by path, as they must be committed. */
export function printed(): Record<string, string> {
  return {
    'docs/use/errors.md': errorsPage(),
    'docs/use/openapi.json': `${JSON.stringify(openApi(PUBLIC_URL), null, 2)}\n`,
  }
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(
    ([key, error]) => `| \`${key}\` | ${error.status} | \`${error.type}\` | ${cell(error.meaning)} |`,
  )
  return `<!-- Printed from contract/src/errors.ts by \`${PRINT_COMMAND}\`; change it there. -->

# Errors

Every refusal and failure is a bare JSON object: \`type\` is its class, \`key\` says which error it is, \`message\` is for
people, and \`data\`, where present, has the details. Rely on \`key\` and on the HTTP status; messages may change. Which
endpoint answers with which key is in \`docs/use/openapi.json\`.

\`\`\`json
{ "type": "bad_request", "key": "not_found", "message": "there is no flow \\"crm.sync\\"" }
\`\`\`

| key | status | type | meaning |
|---|---|---|---|
${rows.join('\n')}
`
}

/** Text as it may stand in a cell of a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(printed())) writeFileSync(join(ROOT, path), text)
}
