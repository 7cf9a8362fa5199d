import { Button, Menu } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconDownload } from '@tabler/icons-react'
import { useState } from 'react'
import { permea, wordsOf } from '../api.ts'
import { type ExportFormat, exported } from './export.ts'
import type { FetchPage, Query } from './record-list.ts'

interface ExportButtonProps<T> {
  /** What the file is called, without its ending. */
  name: string
  /** What is listed, as in `app-event`. */
  kind: string
  query: Query
  fetchPage: FetchPage<T>
}

/** Saves everything that the filters leave, beyond what was scrolled to. */
export function ExportButton<T>({ name, kind, query, fetchPage }: ExportButtonProps<T>) {
  const [rows, setRows] = useState<number | null>(null)
  const save = async (format: ExportFormat) => {
    setRows(0)
    try {
      // Who takes much away at once is in the audit log, before the first row.
      await permea.auditLog.noteExport({ body: { elementType: kind, format, filter: filterOf(query) } })
      const { signal } = new AbortController()
      const made = await exported({ fetchPage, query, format, signal, onProgress: setRows })
      const link = document.createElement('a')
      link.href = URL.createObjectURL(made.blob)
      link.download = `${name}-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.${format}`
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
      const count = made.rows.toLocaleString()
      notifications.show({
        message: made.isWhole ? `${count} rows saved` : `The newest ${count} rows saved; the API has the rest`,
      })
    } catch (error) {
      notifications.show({ color: 'red', title: 'Not exported', message: wordsOf(error) })
    } finally {
      setRows(null)
    }
  }
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="xs" variant="default" leftSection={<IconDownload size={14} />} disabled={rows !== null}>
          {rows === null ? 'Export' : `${rows.toLocaleString()} rows…`}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => void save('csv')}>As CSV</Menu.Item>
        <Menu.Item onClick={() => void save('json')}>As JSON</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function filterOf(query: Query): Record<string, string> {
  return Object.fromEntries(
    Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  )
}
