import { ActionIcon, CloseButton, Drawer, Menu, Skeleton, Tabs, Tooltip } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { IconDots } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { type ReactNode, Suspense } from 'react'
import { useUpdates } from '../live/live.ts'
import { Copy } from '../parts/copy.tsx'
import { CopyAsCurl } from '../parts/curl.tsx'
import { Failure } from '../parts/failure.tsx'
import { HistoryLink, historyOf } from '../parts/history-link.tsx'
import { Json } from '../parts/json.tsx'
import { useEscape } from './escape.ts'
import { useUrlState } from './url-state.ts'

export interface Tab<T> {
  key: string
  title: string
  show(record: T): ReactNode
}

interface RecordDrawerProps<T> {
  /** What a record is called, in lower case: `app event`. */
  noun: string
  path: string
  kind: string
  alsoFollows?: readonly string[]
  /** Of the list that it is one of; of itself where that is not below the list. */
  apiPath: string | { itself: string }
  fetchOne(id: string, signal: AbortSignal): Promise<T>
  titleOf(record: T): ReactNode
  statusOf?(record: T): ReactNode
  actions?(record: T): ReactNode
  tabs: readonly Tab<T>[]
  size?: number
}

/** One record, beside the list it is in: what it is, what can be done with it, and where it leads. */
export function RecordDrawer<T extends { id: string }>(props: RecordDrawerProps<T>) {
  const { id = '' } = useParams({ strict: false }) as { id?: string }
  const { search, change } = useUrlState()
  const navigate = useNavigate()
  const isNarrow = useMediaQuery('(max-width: 48em)')
  const found = useQuery({
    queryKey: [props.kind, 'one', id],
    queryFn: ({ signal }) => props.fetchOne(id, signal),
  })
  useUpdates([props.kind, ...(props.alsoFollows ?? [])], () => void found.refetch())
  const close = () =>
    void navigate({ to: `/${props.path}`, search: (before: object) => ({ ...before, tab: undefined }) })
  useEscape(close)
  const record = found.data
  const history = props.kind === 'audit-record' ? null : historyOf(id)
  const tabs: readonly Tab<T>[] = [
    ...props.tabs,
    {
      key: 'json',
      title: 'JSON',
      show: (each) => <Json value={each} label={`${props.noun} as JSON`} maxHeight={4000} />,
    },
  ]
  const tab = tabs.some((each) => each.key === search.tab) ? search.tab : tabs[0]?.key
  return (
    <Drawer.Root
      opened
      onClose={close}
      closeOnEscape={false}
      position="right"
      size={isNarrow ? '100%' : (props.size ?? 760)}
    >
      <Drawer.Overlay backgroundOpacity={0.3} />
      <Drawer.Content aria-label={`${props.noun} ${id}`}>
        <div className="drawer-head">
          <div className="drawer-title" tabIndex={-1} data-autofocus>
            <h2>{record === undefined ? <Loading /> : props.titleOf(record)}</h2>
            {record !== undefined && props.statusOf?.(record)}
          </div>
          <div className="drawer-tools">
            <Menu position="bottom-end">
              <Menu.Target>
                <Tooltip label="More">
                  <ActionIcon variant="subtle" color="gray" aria-label={`More about this ${props.noun}`}>
                    <IconDots size={18} />
                  </ActionIcon>
                </Tooltip>
              </Menu.Target>
              <Menu.Dropdown>
                <CopyAsCurl
                  request={{
                    method: 'GET',
                    path: typeof props.apiPath === 'string' ? `${props.apiPath}/${id}` : props.apiPath.itself,
                  }}
                />
              </Menu.Dropdown>
            </Menu>
            <CloseButton onClick={close} aria-label="Close" />
          </div>
          <div className="drawer-id">
            <code>{id}</code>
            <Copy text={id} what="id" />
            {history !== null && <HistoryLink of={history} />}
          </div>
          {record !== undefined && props.actions !== undefined && (
            <div className="drawer-actions">{props.actions(record)}</div>
          )}
        </div>
        <div className="drawer-body">
          {found.error !== null && <Failure error={found.error} onRetry={() => void found.refetch()} />}
          {found.isPending && <Skeleton height={160} mt="md" />}
          {record !== undefined && (
            <Tabs value={tab ?? null} onChange={(to) => change({ tab: to ?? undefined })} keepMounted={false}>
              <Tabs.List>
                {tabs.map((each) => (
                  <Tabs.Tab key={each.key} value={each.key}>
                    {each.title}
                  </Tabs.Tab>
                ))}
              </Tabs.List>
              {tabs.map((each) => (
                <Tabs.Panel key={each.key} value={each.key} pt="md">
                  <Suspense fallback={<Skeleton height={160} />}>{each.show(record)}</Suspense>
                </Tabs.Panel>
              ))}
            </Tabs>
          )}
        </div>
      </Drawer.Content>
    </Drawer.Root>
  )
}

/** A heading without words is none for who hears the page. */
function Loading() {
  return (
    <>
      <span className="unseen">Loading</span>
      <Skeleton height={18} width={220} />
    </>
  )
}
