import { Progress } from '@mantine/core'
import { IconRotateClockwise } from '@tabler/icons-react'
import { type ItemOf, permea } from '../../api.ts'
import { Act } from '../../parts/act.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Json } from '../../parts/json.tsx'
import { To } from '../../parts/links.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { ReplayButton } from './replay-button.tsx'

type Replay = ItemOf<typeof permea.replays.list>

const PATH = 'replays'
const ALSO = ['delivery']

const percentOf = (replay: Replay) => (replay.total === 0 ? 100 : Math.round((100 * replay.done) / replay.total))

const columns: readonly Column<Replay>[] = [
  { title: 'What', width: 'minmax(140px, 1.4fr)', cell: (each) => wordsOfFilter(each.filter) },
  { title: 'State', width: '120px', cell: (each) => <Status of={each.state} /> },
  {
    title: 'Progress',
    width: 'minmax(120px, 1fr)',
    from: 520,
    cell: (each) => <Bar replay={each} />,
  },
  { title: 'Begun', width: '120px', from: 640, cell: (each) => <Moment at={each.createdAt} /> },
]

function wordsOfFilter(filter: Record<string, unknown>): string {
  const { state, eventType, destinationId } = filter
  return [state ?? 'all', eventType, destinationId].filter((each) => typeof each === 'string').join(', ')
}

function Bar({ replay }: { replay: Replay }) {
  return (
    <Progress.Root size="lg">
      <Progress.Section
        value={percentOf(replay)}
        color={replay.failed > 0 ? 'yellow' : 'iris'}
        aria-label={`${replay.done} of ${replay.total} sent`}
      />
    </Progress.Root>
  )
}

export function Page() {
  return (
    <ListPage<Replay>
      title="Replays"
      about="Deliveries that were sent again by the many."
      path={PATH}
      kind="replay"
      alsoFollows={ALSO}
      fetchPage={pagesOf(permea.replays.list)}
      columns={columns}
      actions={<ReplayButton />}
      empty={
        <Empty icon={IconRotateClockwise} title="Nothing was sent again yet">
          After an outage of your endpoint, send everything again that failed meanwhile.
        </Empty>
      }
      emptyFiltered={null}
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<Replay>
      noun="replay"
      path={PATH}
      kind="replay"
      alsoFollows={ALSO}
      apiPath="/replays"
      fetchOne={(id, signal) => permea.replays.get({ params: { id } }, { signal })}
      titleOf={(each) => `Sent again: ${wordsOfFilter(each.filter)}`}
      statusOf={(each) => <Status of={each.state} />}
      actions={(each) => (
        <Act
          needs="replays.cancel"
          label="Stop it"
          run={() => permea.replays.cancel({ params: { id: each.id } })}
          unless={each.state === 'running' ? null : 'It has ended'}
          said="Stopped; what was sent stays sent"
        />
      )}
      tabs={[{ key: 'progress', title: 'Progress', show: (each) => <About replay={each} /> }]}
    />
  )
}

function About({ replay }: { replay: Replay }) {
  return (
    <div className="stack">
      <Bar replay={replay} />
      <Facts
        of={{
          Sent: `${replay.done.toLocaleString()} of ${replay.total.toLocaleString()}`,
          Succeeded: replay.succeeded.toLocaleString(),
          Failed: replay.failed.toLocaleString(),
          'At most, per second': replay.ratePerSecond,
          Begun: <Moment at={replay.createdAt} isExact />,
          Ended: replay.endedAt === undefined ? undefined : <Moment at={replay.endedAt} isExact />,
          'Leads to': <To path="/deliveries">deliveries</To>,
        }}
      />
      <Json value={replay.filter} label="which deliveries" />
    </div>
  )
}
