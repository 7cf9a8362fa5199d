import { Button, Menu } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconDownload } from '@tabler/icons-react'
import { useState } from 'react'
import { freshToken, wordsOf } from '../api.ts'
import { API_URL } from '../base.ts'
import type { Query } from './record-list.ts'

type ExportFormat = 'csv' | 'json' | 'ndjson'

interface ExportButtonProps {
  /** What the file is called, without its ending. */
  name: string
  /** Path of the list. */
  apiPath: string
  query: Query
}

/** Saves everything that the filters leave, beyond what was scrolled to, as the engine writes it. */
export function ExportButton({ name, apiPath, query }: ExportButtonProps) {
  const [bytes, setBytes] = useState<number | null>(null)
  const save = async (format: ExportFormat) => {
    setBytes(0)
    try {
      const given = Object.entries({ ...query, export: format }).flatMap(([key, value]) =>
        value === undefined ? [] : [[key, String(value)]],
      )
      const response = await fetch(`${API_URL}${apiPath}?${new URLSearchParams(given)}`, {
        headers: { authorization: `Bearer ${await freshToken()}` },
      })
      if (!response.ok) throw new Error(((await response.json()) as { message: string }).message)
      const link = document.createElement('a')
      // Browsers keep what is large of it on disk.
      link.href = URL.createObjectURL(await counted(response, setBytes).blob())
      link.download = `${name}-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.${format}`
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
    } catch (error) {
      notifications.show({ color: 'red', title: 'Not exported', message: wordsOf(error) })
    } finally {
      setBytes(null)
    }
  }
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="xs" variant="default" leftSection={<IconDownload size={14} />} disabled={bytes !== null}>
          {bytes === null ? 'Export' : `${(bytes / 1e6).toFixed(1)} MB…`}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => void save('csv')}>As CSV</Menu.Item>
        <Menu.Item onClick={() => void save('json')}>As JSON</Menu.Item>
        <Menu.Item onClick={() => void save('ndjson')}>As JSON, one record a line</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

/** The same answer, whose bytes are counted as they come. */
function counted(response: Response, onBytes: (bytes: number) => void): Response {
  let bytes = 0
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length
      onBytes(bytes)
      controller.enqueue(chunk)
    },
  })
  return new Response(response.body?.pipeThrough(counting) ?? null)
}
