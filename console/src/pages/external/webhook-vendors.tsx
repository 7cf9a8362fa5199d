import { Skeleton } from '@mantine/core'
import { IconCertificate } from '@tabler/icons-react'
import { lazy, Suspense } from 'react'
import { type ItemOf, permea } from '../../api.ts'
import { Copy, Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { NewButton } from '../../parts/go.tsx'
import { Json } from '../../parts/json.tsx'
import { To } from '../../parts/links.tsx'
import type { Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import type { Page as PageOf, Query } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'

const CodeView = lazy(() => import('../../code/code-view.tsx'))

type Vendor = ItemOf<typeof permea.webhookVendors.list> & { id: string }

const PATH = 'webhook-vendors'

const columns: readonly Column<Vendor>[] = [
  { title: 'Name', width: 'minmax(140px, 1fr)', cell: (each) => each.name },
  { title: 'Signature', width: 'minmax(160px, 2fr)', from: 480, cell: (each) => each.scheme },
  { title: 'Handshake', width: '100px', from: 720, cell: (each) => (each.handshake === null ? '–' : 'yes') },
  { title: 'Connector', width: '140px', from: 860, cell: (each) => each.connectorKey ?? '–' },
]

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search' },
  {
    kind: 'choice',
    name: 'has',
    label: 'That have',
    choices: [
      { value: 'handshake', label: 'a handshake' },
      { value: 'eventId', label: 'an id of the event' },
      { value: 'connector', label: 'a ready-made connector' },
    ],
  },
]

const HAS: Record<string, (vendor: Vendor) => boolean> = {
  handshake: ({ handshake }) => handshake !== null,
  eventId: ({ eventId }) => eventId.length > 0,
  connector: ({ connectorKey }) => connectorKey !== null,
}

/** All of them come at once; they are looked through here. */
async function fetchPage({ search, has }: Query, signal: AbortSignal): Promise<PageOf<Vendor>> {
  const words = String(search ?? '').toLowerCase()
  const fits = HAS[String(has ?? '')] ?? (() => true)
  const items = (await vendors(signal)).filter(
    (each) => `${each.name} ${each.key} ${each.scheme}`.toLowerCase().includes(words) && fits(each),
  )
  return { items }
}

async function vendors(signal: AbortSignal): Promise<Vendor[]> {
  const { items } = await permea.webhookVendors.list(undefined, { signal })
  return items.map((each) => ({ ...each, id: each.key }))
}

async function fetchOne(id: string, signal: AbortSignal): Promise<Vendor> {
  const found = (await vendors(signal)).find((each) => each.id === id)
  if (found === undefined) throw new Error(`There is no vendor ${JSON.stringify(id)} in the catalogue`)
  return found
}

export function Page() {
  return (
    <ListPage<Vendor>
      title="Vendors"
      about="Who signs webhooks how, with a handle to begin with: its handshake, its signature, what identifies an event."
      path={PATH}
      kind="webhook-vendor"
      fetchPage={fetchPage}
      apiPath={null}
      filters={filters}
      columns={columns}
      empty={<Empty icon={IconCertificate} title="No vendors" />}
      emptyFiltered={
        <Empty
          icon={IconCertificate}
          title="No vendor fits"
          action={
            <NewButton needs="externalEventTypes.create" path="external-event-types" label="New external event type" />
          }
        >
          A scheme that is not here can be verified by a row of your own: verify.with of permea:webhooks.
        </Empty>
      }
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<Vendor>
      noun="vendor"
      path={PATH}
      kind="webhook-vendor"
      apiPath={{ itself: '/webhook-vendors' }}
      size={900}
      fetchOne={fetchOne}
      titleOf={(each) => each.name}
      actions={(each) => (
        <NewButton
          needs="externalEventTypes.create"
          path="external-event-types"
          search={{ vendor: each.key }}
          label="New external event type of it"
        />
      )}
      tabs={[
        { key: 'handle', title: 'handle', show: (each) => <Handle vendor={each} /> },
        { key: 'about', title: 'About', show: (each) => <About vendor={each} /> },
      ]}
    />
  )
}

function Handle({ vendor }: { vendor: Vendor }) {
  return (
    <div className="stack">
      <p className="flat">
        {vendor.handshake === null
          ? 'It checks the signature and passes the payload on.'
          : `It answers the handshake (${vendor.handshake.when}), checks the signature and passes the payload on.`}{' '}
        An external event type of it is edited and tried out.
      </p>
      <div className="code-box">
        <div className="code-tools">
          <Copy text={vendor.handle} what="handle" />
        </div>
        <Suspense fallback={<Skeleton height={240} />}>
          <CodeView text={vendor.handle} label={`handle of ${vendor.name}`} maxHeight={480} language="javascript" />
        </Suspense>
      </div>
      {vendor.dedupeKey === null ? (
        <p className="dim flat">Nothing in its requests is the same when it sends an event again.</p>
      ) : (
        <Json value={vendor.dedupeKey} label="what identifies an event" title="What identifies an event (dedupeKey)" />
      )}
      <Json value={vendor.parametersSchema} label="schema of the parameters" title="What a subscriber gives" />
    </div>
  )
}

function About({ vendor }: { vendor: Vendor }) {
  const { handshake } = vendor
  return (
    <Facts
      of={{
        Function: <Copyable text={`verify.${vendor.key}`} what="function" />,
        Signature: vendor.scheme,
        'May be old': vendor.toleranceSeconds === null ? 'no age is checked' : `${vendor.toleranceSeconds} s`,
        'You give': Object.values(vendor.takes).join('; ') || 'nothing',
        Handshake: handshake === null ? 'none' : `handshakes.${handshake.key}: ${handshake.when}`,
        'Answered within': handshake?.withinSeconds && `${handshake.withinSeconds} s`,
        'Known again by': vendor.eventId.join(' + ') || 'nothing',
        'Wants as an answer': vendor.answer,
        'Ready-made connector': vendor.connectorKey && (
          <To path="/connectors" search={{ search: vendor.connectorKey }}>
            {vendor.connectorKey}
          </To>
        ),
        'Checked with': vendor.checked ?? 'what the vendor writes',
        Source: (
          <a href={vendor.source} target="_blank" rel="noreferrer">
            {vendor.source}
          </a>
        ),
      }}
    />
  )
}
