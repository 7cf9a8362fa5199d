import { CopyButton, Menu } from '@mantine/core'
import { IconCheck, IconTerminal2 } from '@tabler/icons-react'
import { API_URL } from '../base.ts'

export interface CurlRequest {
  method: string
  path: string
  body?: unknown
}

/** The command for a request of the API. The token is a variable of the shell, so that none ends up in a history. */
export function curlOf({ method, path, body }: CurlRequest): string {
  const lines = [
    `curl -sS ${method === 'GET' ? '' : `-X ${method} `}'${quoted(/^https?:/.test(path) ? path : API_URL + path)}'`,
    `  -H "Authorization: Bearer $PERMEA_TOKEN"`,
  ]
  if (body !== undefined) lines.push(`  -H 'Content-Type: application/json'`, `  -d '${quoted(JSON.stringify(body))}'`)
  return lines.join(' \\\n')
}

const quoted = (text: string) => text.replaceAll("'", `'\\''`)

export function CopyAsCurl({ request }: { request: CurlRequest }) {
  return (
    <CopyButton value={curlOf(request)} timeout={1500}>
      {({ copied, copy }) => (
        <Menu.Item
          closeMenuOnClick={false}
          leftSection={copied ? <IconCheck size={15} /> : <IconTerminal2 size={15} />}
          onClick={copy}
        >
          {copied ? 'Copied' : 'Copy as curl'}
        </Menu.Item>
      )}
    </CopyButton>
  )
}
