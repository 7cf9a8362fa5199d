import { IconStackPush } from '@tabler/icons-react'
import { type ItemOf, permea } from '../../api.ts'
import { Act } from '../../parts/act.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Json } from '../../parts/json.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'

type SetAside = ItemOf<typeof permea.setAsideIntake.list>

const PATH = 'set-aside-intake'
const KIND = 'set-aside-intake'

const columns: readonly Column<SetAside>[] = [
  { title: 'Set aside', width: '130px', cell: (each) => <Moment at={each.createdAt} /> },
  { title: 'Why', width: 'minmax(180px, 2.4fr)', cell: (each) => each.error },
  { title: 'Tries', width: '80px', from: 480, cell: (each) => each.tries },
  { title: 'Shard', width: '80px', from: 720, cell: (each) => each.shard },
  { title: 'Sequence', width: '100px', from: 860, cell: (each) => each.sequence },
]

export function Page() {
  return (
    <ListPage<SetAside>
      title="Set-aside Intake"
      about="What came in through the intake log and could not be applied. It is kept, and can be applied again."
      path={PATH}
      kind={KIND}
      fetchPage={pagesOf(permea.setAsideIntake.list)}
      columns={columns}
      empty={
        <Empty icon={IconStackPush} title="Nothing was set aside">
          Where events are taken in through NATS, what fails five times on its way into the database appears here.
        </Empty>
      }
      emptyFiltered={null}
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<SetAside>
      noun="set-aside entry"
      path={PATH}
      kind={KIND}
      apiPath="/set-aside-intake"
      fetchOne={(id, signal) => permea.setAsideIntake.get({ params: { id } }, { signal })}
      titleOf={(each) => `${each.sequence} of shard ${each.shard}`}
      statusOf={() => <Status of="failed" label="set aside" />}
      actions={(each) => (
        <Act
          needs="setAsideIntake.replay"
          label="Apply again"
          variant="filled"
          run={() => permea.setAsideIntake.replay({ params: { id: each.id } })}
          said={({ isApplied, error }) => (isApplied ? 'Applied; it stands here no more' : `Still not: ${error}`)}
        />
      )}
      tabs={[{ key: 'about', title: 'About', show: (each) => <About entry={each} /> }]}
    />
  )
}

function About({ entry }: { entry: SetAside }) {
  return (
    <div className="stack">
      <p className="exchange-error">{entry.error}</p>
      <Facts
        of={{
          'Set aside': <Moment at={entry.createdAt} isExact />,
          Tries: entry.tries,
          Shard: entry.shard,
          Sequence: entry.sequence,
        }}
      />
      {entry.excerpt !== undefined && (
        <Json value={entry.excerpt} label="beginning of the first event" title="The first event" />
      )}
    </div>
  )
}
