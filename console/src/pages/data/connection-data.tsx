import { Button, Group, Select, Skeleton, TextInput } from '@mantine/core'
import { IconDatabase } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type AnswerOf, permea } from '../../api.ts'
import { Empty } from '../../parts/empty.tsx'
import { Failure } from '../../parts/failure.tsx'
import { refusalOf } from '../../session/may.ts'
import { type Place, requestAt } from './place.ts'
import { type OpenRecord, RecordPanel } from './record-panel.tsx'
import { type FieldSchema, fieldsOf } from './schema-fields.ts'

type Spec = AnswerOf<typeof permea.dataCollections.get>
type Page = AnswerOf<typeof permea.dataCollections.listRecords>
type DataRecord = Page['records'][number]

/** The data of a connection’s app: its collections, and the records in them. */
export function ConnectionData({ connectionId }: { connectionId: string }) {
  const refusal = refusalOf('dataCollections.listRecords')
  return refusal === null ? <Collections connectionId={connectionId} /> : <p className="dim">{refusal}</p>
}

function Collections({ connectionId }: { connectionId: string }) {
  const [chosen, setChosen] = useState<string | null>(null)
  const [parameters, setParameters] = useState<Record<string, string>>({})
  const { data, error } = useQuery({
    queryKey: ['connection-data', 'collections', connectionId],
    queryFn: () => permea.dataCollections.list({ params: { connectionSelector: connectionId } }),
  })
  if (error !== null) return <Failure error={error} />
  if (data === undefined) return <Skeleton height={160} />
  const first = data.find((each) => each.isHidden !== true) ?? data[0]
  const key = chosen ?? first?.key
  if (key === undefined)
    return (
      <Empty icon={IconDatabase} title="The app has no collections">
        Its connector defines none under <code>data</code>.
      </Empty>
    )
  return (
    <div className="stack">
      <Select
        label="Collection"
        searchable
        allowDeselect={false}
        data={data.map((each) => ({ value: each.key, label: `${each.name} (${each.key})` }))}
        value={key}
        onChange={(to) => {
          setChosen(to)
          setParameters({})
        }}
      />
      <Collection key={key} place={{ connectionId, key, parameters }} onParameters={setParameters} />
    </div>
  )
}

interface CollectionProps {
  place: Place
  onParameters(to: Record<string, string>): void
}

function Collection({ place, onParameters }: CollectionProps) {
  const [open, setOpen] = useState<OpenRecord | null>(null)
  const { data: spec, error } = useQuery({
    queryKey: ['connection-data', 'spec', place],
    queryFn: () => permea.dataCollections.get(requestAt(place)),
  })
  if (error !== null) return <Failure error={error} />
  if (spec === undefined) return <Skeleton height={160} />
  if (open !== null) return <RecordPanel place={place} spec={spec} open={open} onClose={() => setOpen(null)} />
  return (
    <>
      <Parameters spec={spec} value={place.parameters} onChange={onParameters} />
      <Records place={place} spec={spec} onOpen={setOpen} />
    </>
  )
}

/** What the collection can be told: which project, which list. */
function Parameters(props: { spec: Spec; value: Record<string, string>; onChange(to: Record<string, string>): void }) {
  const { properties = {} } = (props.spec.parametersSchema ?? {}) as FieldSchema
  return Object.entries(properties).map(([name, field]) => (
    <TextInput
      key={name}
      label={field.title ?? name}
      description={field.description ?? 'A parameter of the collection'}
      value={props.value[name] ?? ''}
      onChange={(event) => {
        const { [name]: _, ...others } = props.value
        const to = event.currentTarget.value
        props.onChange(to === '' ? others : { ...others, [name]: to })
      }}
    />
  ))
}

interface RecordsProps {
  place: Place
  spec: Spec
  onOpen(record: OpenRecord): void
}

type Way = 'list' | 'search' | 'findById'

const WAYS: readonly { value: Way; label: string }[] = [
  { value: 'list', label: 'All' },
  { value: 'search', label: 'With the words' },
  { value: 'findById', label: 'With the id' },
]

/** Records of a collection in a table, page after page. */
function Records({ place, spec, onOpen }: RecordsProps) {
  const ways = WAYS.filter(({ value }) => spec[value] !== undefined)
  const [way, setWay] = useState<Way>(ways[0]?.value ?? 'list')
  const [sought, setSought] = useState('')
  const [asked, setAsked] = useState('')
  const found = useInfiniteQuery({
    queryKey: ['connection-data', 'records', place, way, asked],
    queryFn: ({ pageParam }) => pageOf(place, way, asked, pageParam),
    initialPageParam: null as string | null,
    // An app that gives the same cursor again has no more.
    getNextPageParam: ({ cursor }, _, last) => (cursor === undefined || cursor === last ? null : cursor),
    enabled: ways.length > 0 && (way === 'list' || asked !== ''),
    retry: false,
  })
  const records = found.data?.pages.flatMap((page) => page.records) ?? []
  const further = found.data?.pages.flatMap((page) => page.drilldowns ?? []).length ?? 0
  return (
    <div className="stack">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          setAsked(sought.trim())
        }}
      >
        <Group gap="xs" align="flex-end">
          {ways.length > 0 && (
            <Select
              label="Records"
              w={160}
              allowDeselect={false}
              data={ways}
              value={way}
              onChange={(to) => {
                setWay((to ?? 'list') as Way)
                setAsked('')
              }}
            />
          )}
          {way !== 'list' && ways.length > 0 && (
            <>
              <TextInput
                label={way === 'search' ? 'Words' : 'Id'}
                value={sought}
                onChange={(event) => setSought(event.currentTarget.value)}
              />
              <Button type="submit" variant="default" disabled={sought.trim() === ''}>
                Find
              </Button>
            </>
          )}
          {spec.create !== undefined && <Button onClick={() => onOpen({ kind: 'new' })}>New record</Button>}
        </Group>
      </form>
      {ways.length === 0 && <p className="dim flat">This collection can neither be listed nor searched.</p>}
      {found.error !== null && <Failure error={found.error} onRetry={() => void found.refetch()} />}
      {found.isFetching && records.length === 0 && <Skeleton height={160} />}
      {found.isSuccess && records.length === 0 && <p className="dim flat">No record is there.</p>}
      {records.length > 0 && <Table records={records} spec={spec} onOpen={onOpen} />}
      {records.length > 0 && (
        <Group gap="xs">
          <span className="dim" aria-live="polite">
            {records.length.toLocaleString()} {found.hasNextPage ? 'loaded' : 'in all'}
            {further > 0 && `, and ${further} further lists that hang on this one`}
          </span>
          {found.hasNextPage && (
            <Button
              size="compact-xs"
              variant="light"
              loading={found.isFetchingNextPage}
              onClick={() => void found.fetchNextPage()}
            >
              More
            </Button>
          )}
        </Group>
      )}
    </div>
  )
}

async function pageOf(place: Place, way: Way, asked: string, cursor: string | null): Promise<Page> {
  const at = cursor === null ? {} : { cursor }
  if (way === 'list') return permea.dataCollections.listRecords({ ...requestAt(place), body: at })
  if (way === 'search')
    return permea.dataCollections.searchRecords({ ...requestAt(place), body: { query: asked, ...at } })
  const { record } = await permea.dataCollections.findRecordById({ ...requestAt(place), body: { id: asked } })
  return { records: [record] }
}

const COLUMNS_MAX = 4
const CELL_CHARS_MAX = 80

interface TableProps extends Pick<RecordsProps, 'spec' | 'onOpen'> {
  records: readonly DataRecord[]
}

function Table({ records, spec, onOpen }: TableProps) {
  const known = fieldsOf(spec.fieldsSchema).map(({ path }) => path)
  const names = known.length > 0 ? known : Object.keys(records[0]?.fields ?? {})
  const columns = names.filter((name) => !name.includes('.') && name !== 'id' && name !== 'name').slice(0, COLUMNS_MAX)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div className="record-columns" tabIndex={0} role="region" aria-label="Records, scrollable">
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">Record</th>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {records.map((record, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: an app may give a record twice
            <tr key={`${record.id} ${at}`}>
              <td>
                <Button size="compact-xs" variant="subtle" onClick={() => onOpen({ kind: 'record', record })}>
                  {shown(record.name ?? record.id)}
                </Button>
              </td>
              {columns.map((name) => (
                <td key={name}>{shown(record.fields?.[name])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function shown(value: unknown): string {
  if (value === undefined || value === null || value === '') return '–'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > CELL_CHARS_MAX ? `${text.slice(0, CELL_CHARS_MAX)}…` : text
}
