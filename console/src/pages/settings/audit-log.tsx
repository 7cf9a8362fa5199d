import { Alert, Badge, Button, Skeleton } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconHistory } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { type AnswerOf, type ItemOf, permea, wordsOf } from '../../api.ts'
import { objectText } from '../../forms/value-text.ts'
import { ACTORS } from '../../parts/actors.ts'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Json } from '../../parts/json.tsx'
import { IdLink, To } from '../../parts/links.tsx'
import { Moment } from '../../parts/moment.tsx'
import { numberOf } from '../../parts/number-of.ts'
import { Status } from '../../parts/status.tsx'
import type { Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import facts from '../../session/facts.json' with { type: 'json' }

const CodeDiff = lazy(() => import('../../code/code-diff.tsx'))

type AuditRecord = ItemOf<typeof permea.auditLog.list>
type Verification = AnswerOf<typeof permea.auditLog.verify>

const PATH = 'audit-log'

const OUTCOMES: Record<AuditRecord['outcome'], string> = {
  done: 'Done',
  failed: 'Failed',
  refused: 'Refused',
  unknown: 'Not known',
}
const TONES: Record<AuditRecord['outcome'], string> = {
  done: 'success',
  failed: 'failed',
  refused: 'failed',
  unknown: 'warning',
}

const whoOf = ({ actor }: AuditRecord) => actor.name ?? ACTORS[actor.kind]

const columns: readonly Column<AuditRecord>[] = [
  { title: 'Action', width: 'minmax(150px, 1.4fr)', cell: (each) => <code>{each.action}</code> },
  { title: 'Who', width: 'minmax(110px, 1fr)', from: 420, cell: whoOf },
  {
    title: 'What',
    width: 'minmax(130px, 1.4fr)',
    from: 620,
    cell: (each) => each.elementName ?? each.elementId ?? each.elementType,
  },
  { title: 'Changed', width: 'minmax(110px, 1fr)', from: 800, cell: (each) => each.changed.join(', ') },
  {
    title: 'Outcome',
    width: '110px',
    from: 700,
    cell: (each) => <Status of={TONES[each.outcome]} label={OUTCOMES[each.outcome].toLowerCase()} />,
  },
  { title: 'When', width: '120px', cell: (each) => <Moment at={each.createdAt} /> },
]

const choicesOf = (values: readonly string[]) => values.map((value) => ({ value, label: value }))
const wordsFor = (words: Record<string, string>) => Object.entries(words).map(([value, label]) => ({ value, label }))

/** Everybody who may act here by a name of their own. */
async function actors() {
  const [people, keys] = await Promise.all([permea.people.list(), permea.apiKeys.list()])
  return [
    ...people.items.map(({ id, email }) => ({ value: id, label: email })),
    ...keys.items.map(({ id, name }) => ({ value: id, label: `Key ${name}` })),
  ]
}

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Names, addresses, values' },
  { kind: 'lookup', name: 'actorId', label: 'Who', lookUp: actors },
  {
    kind: 'choice',
    name: 'actorKind',
    label: 'As what',
    choices: wordsFor(ACTORS),
  },
  {
    kind: 'choice',
    name: 'elementType',
    label: 'Kind of element',
    choices: choicesOf(facts.auditElementTypes),
  },
  {
    kind: 'choice',
    name: 'action',
    label: 'Action',
    choices: choicesOf(facts.auditActions),
  },
  {
    kind: 'choice',
    name: 'outcome',
    label: 'Outcome',
    choices: wordsFor(OUTCOMES),
  },
  { kind: 'since', name: 'from', label: 'When' },
  { kind: 'link', name: 'elementId', label: 'Element' },
  { kind: 'link', name: 'userId', label: 'Customer' },
]

export function Page() {
  return (
    <ListPage<AuditRecord>
      title="Audit Log"
      about="Every change: by whom, from where, and how it was before and after. Records are chained, so that a change of them is seen."
      path={PATH}
      kind="audit-record"
      fetchPage={pagesOf(permea.auditLog.list)}
      filters={filters}
      columns={columns}
      actions={<Verify />}
      empty={
        <Empty icon={IconHistory} title="Nothing was changed yet">
          Whatever is changed from now on stands here, with who did it.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconHistory} title="No change fits these filters">
          Records stay for as long as the operator keeps them.
        </Empty>
      }
    />
  )
}

function Verify() {
  const verifying = useMutation({
    mutationFn: () => permea.auditLog.verify(),
    onSuccess: (found) =>
      notifications.show({
        autoClose: found.isIntact ? 10_000 : false,
        color: found.isIntact ? 'iris' : 'red',
        title: found.isIntact ? 'The chain holds' : 'The chain is broken',
        message: saidOf(found),
      }),
    onError: (error) => notifications.show({ color: 'red', title: 'Not verified', message: wordsOf(error) }),
  })
  return (
    <Button size="xs" variant="default" loading={verifying.isPending} onClick={() => verifying.mutate()}>
      Verify
    </Button>
  )
}

function saidOf({ records, hash, problem }: Verification): string {
  return problem === undefined
    ? `What was written is unchanged: ${numberOf(records, 'record')}. The newest hash is ${hash.slice(0, 16)}….`
    : `At record ${problem.sequence}: ${problem.message}.`
}

export function Record() {
  return (
    <RecordDrawer<AuditRecord>
      noun="audit record"
      path={PATH}
      kind="audit-record"
      apiPath="/audit-log"
      fetchOne={(id, signal) => permea.auditLog.get({ params: { id } }, { signal })}
      titleOf={(each) => each.action}
      statusOf={(each) => <Status of={TONES[each.outcome]} label={OUTCOMES[each.outcome].toLowerCase()} />}
      tabs={[{ key: 'about', title: 'About', show: (each) => <About record={each} /> }]}
    />
  )
}

function About({ record }: { record: AuditRecord }) {
  const { actor, elementId, userId } = record
  return (
    <div className="stack">
      <Facts
        of={{
          Who: (
            <>
              {whoOf(record)} {actor.role !== undefined && <Badge variant="default">{actor.role}</Badge>}{' '}
              {actor.id !== undefined && (
                <To path="/audit-log" search={{ actorId: actor.id }}>
                  All that it did
                </To>
              )}
            </>
          ),
          As: ACTORS[actor.kind],
          When: <Moment at={record.createdAt} isExact />,
          From: record.address,
          By: record.userAgent,
          What: (
            <>
              {record.elementName ?? record.elementType} {elementId !== undefined && <AsItWas id={elementId} />}
            </>
          ),
          Kind: record.elementType,
          Customer: userId === undefined ? undefined : <AsItWas id={userId} />,
          Request: record.requestId,
          Changed: record.changed.length === 0 ? undefined : record.changed.join(', '),
          Record: `${record.sequence} of the chain`,
          Hash: <code className="breaks">{record.hash}</code>,
        }}
      />
      {record.isErased === true && (
        <Alert variant="outline" title="Erased">
          The customer was erased, and with it what this record said of a person. The chain still holds.
        </Alert>
      )}
      <Difference record={record} />
      {elementId !== undefined && (
        <nav className="trail" aria-label="Where to look">
          <To path="/audit-log" search={{ elementId }}>
            Everything that was changed of it
          </To>
        </nav>
      )}
    </div>
  )
}

function Difference({ record: { before, after } }: { record: AuditRecord }) {
  if (before !== undefined && after !== undefined)
    return (
      <div>
        <div className="small-title">What it was, and what it is</div>
        <Suspense fallback={<Skeleton height={160} />}>
          <CodeDiff label="What it was, and what it is" before={objectText(before)} after={objectText(after)} />
        </Suspense>
      </div>
    )
  if (after !== undefined) return <Json value={after} label="after" title="After" />
  if (before !== undefined) return <Json value={before} label="before" title="Before" />
  return null
}

/** By its id: what a record is about may be gone, and may be called something else by now. */
function AsItWas({ id }: { id: string }) {
  return (
    <IdLink id={id}>
      <code>{id}</code>
    </IdLink>
  )
}
