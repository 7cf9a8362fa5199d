import { Progress } from '@mantine/core'
import { IconEraser } from '@tabler/icons-react'
import { type ItemOf, permea } from '../../api.ts'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import type { Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'

type Erasure = ItemOf<typeof permea.erasures.list>

const PATH = 'erasures'

const whatOf = (each: Erasure) => (each.keepsCustomer ? 'History' : 'Everything')
const percentOf = ({ progress: { done, of } }: Erasure) => (of === 0 ? 100 : Math.round((100 * done) / of))

const columns: readonly Column<Erasure>[] = [
  { title: 'Customer', width: 'minmax(140px, 1.4fr)', cell: (each) => <code>{each.customerId}</code> },
  { title: 'What', width: '110px', from: 480, cell: whatOf },
  { title: 'State', width: '120px', cell: (each) => <Status of={each.status} /> },
  { title: 'Rows', width: '100px', from: 560, cell: (each) => each.rows.toLocaleString() },
  { title: 'Begun', width: '120px', from: 680, cell: (each) => <Moment at={each.startedAt} /> },
]

const filters: readonly Filter[] = [
  {
    kind: 'choice',
    name: 'status',
    label: 'State',
    choices: [
      { value: 'running', label: 'Under way' },
      { value: 'completed', label: 'Completed' },
    ],
  },
]

export function Page() {
  return (
    <ListPage<Erasure>
      title="Erasures"
      about="Customers of whom everything, or their history, was erased: how many rows, and nothing of what was in them."
      path={PATH}
      kind="erasure"
      fetchPage={pagesOf(permea.erasures.list)}
      filters={filters}
      columns={columns}
      empty={
        <Empty icon={IconEraser} title="Nobody was erased">
          A customer is erased on its page. This list is the proof that it was.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconEraser} title="No erasure fits">
          None is in this state.
        </Empty>
      }
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<Erasure>
      noun="erasure"
      path={PATH}
      kind="erasure"
      apiPath="/erasures"
      fetchOne={(id, signal) => permea.erasures.get({ params: { id } }, { signal })}
      titleOf={(each) => `${whatOf(each)} of ${each.customerId}`}
      statusOf={(each) => <Status of={each.status} />}
      tabs={[{ key: 'about', title: 'About', show: (each) => <About erasure={each} /> }]}
    />
  )
}

function About({ erasure }: { erasure: Erasure }) {
  const { stopped, progress } = erasure
  return (
    <div className="stack">
      <Progress.Root size="lg">
        <Progress.Section
          value={percentOf(erasure)}
          color="iris"
          aria-label={`${progress.done} of ${progress.of} places gone through`}
        />
      </Progress.Root>
      <Facts
        of={{
          Phase: erasure.phase,
          'Rows erased': erasure.rows.toLocaleString(),
          Round: progress.round,
          'Asked for by': erasure.askedBy.kind,
          Begun: <Moment at={erasure.startedAt} isExact />,
          Ended: erasure.finishedAt === undefined ? undefined : <Moment at={erasure.finishedAt} isExact />,
          'Connections given up': stopped.connections,
          'Flows ended': stopped.flowInstances,
          'Runs stopped': stopped.runs,
          'Messages stopped': stopped.deliveries,
          'Registrations at apps': stopped.registrations,
          'Not taken back in time': stopped.registrationsLeft === 0 ? undefined : stopped.registrationsLeft,
        }}
      />
      {erasure.erased.length > 0 && (
        <Facts of={Object.fromEntries(erasure.erased.map(({ place, rows }) => [place, rows.toLocaleString()]))} />
      )}
    </div>
  )
}
