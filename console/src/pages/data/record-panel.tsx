import { Button, Group, Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRef } from 'react'
import { type AnswerOf, permea } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Values } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Json } from '../../parts/json.tsx'
import { type Place, requestAt } from './place.ts'
import { formFields, sentFields, shownFields } from './schema-fields.ts'

type Spec = AnswerOf<typeof permea.dataCollections.get>
type DataRecord = AnswerOf<typeof permea.dataCollections.findRecordById>['record']

export type OpenRecord = { kind: 'new' } | { kind: 'record'; record: DataRecord }

interface RecordPanelProps {
  place: Place
  spec: Spec
  open: OpenRecord
  onClose(): void
}

/** One record of an app: what it holds, and what its collection lets one do with it. */
export function RecordPanel(props: RecordPanelProps) {
  const { place, open, onClose } = props
  return (
    <section aria-label="Record" className="stack">
      <Group justify="space-between" gap="xs">
        <h3 className="section-title">{open.kind === 'new' ? 'New record' : (open.record.name ?? open.record.id)}</h3>
        <Button size="xs" variant="default" onClick={onClose}>
          Back to the records
        </Button>
      </Group>
      {open.kind === 'new' ? (
        <New {...props} />
      ) : (
        <Existing key={`${place.key} ${open.record.id}`} {...props} record={open.record} />
      )}
    </section>
  )
}

/** What is typed is kept for this record of this collection with these parameters. */
const draftOf = (place: Place, record: string) =>
  `connections/${place.connectionId}/data/${place.key}?${new URLSearchParams(place.parameters)}/${record}`

const NOTHING: Values = {}

function New({ place, spec, onClose }: RecordPanelProps) {
  const fields = formFields({ schema: spec.fieldsSchema, method: spec.create ?? {} })
  return (
    <ElementForm
      needs="dataCollections.createRecord"
      draft={draftOf(place, 'new')}
      fields={fields}
      of={NOTHING}
      isNew
      save={(body) => permea.dataCollections.createRecord({ ...requestAt(place), body: { fields: sentFields(body) } })}
      onSaved={onClose}
    />
  )
}

function Existing({ place, spec, record: listed, onClose }: RecordPanelProps & { record: DataRecord }) {
  const { id } = listed
  // What is shown is looked up again after every change, and a record that was just deleted is not there any more.
  const isDeleted = useRef(false)
  const { data: record, error } = useQuery({
    queryKey: ['connection-data', 'record', place, id],
    // A list may tell less of a record than the app knows of it.
    queryFn: async () =>
      spec.findById === undefined || isDeleted.current
        ? listed
        : (await permea.dataCollections.findRecordById({ ...requestAt(place), body: { id } })).record,
    retry: false,
  })
  if (error !== null) return <Failure error={error} />
  if (record === undefined) return <Skeleton height={160} />
  const fields = formFields({ schema: spec.fieldsSchema, method: spec.update ?? {} })
  return (
    <>
      {spec.update !== undefined && (
        <ElementForm
          needs="dataCollections.updateRecord"
          draft={draftOf(place, id)}
          fields={fields}
          of={shownFields(fields, record.fields ?? {})}
          isNew={false}
          save={(body) =>
            permea.dataCollections.updateRecord({ ...requestAt(place), body: { id, fields: sentFields(body) } })
          }
        />
      )}
      {spec.delete !== undefined && (
        <Group>
          <Act
            needs="dataCollections.deleteRecord"
            label="Delete the record"
            color="red"
            variant="outline"
            run={async () => {
              await permea.dataCollections.deleteRecord({ ...requestAt(place), body: { id } })
              isDeleted.current = true
            }}
            confirm={{
              title: 'Delete the record?',
              text: 'It is deleted in the app, which decides whether it can be brought back.',
              button: 'Delete',
            }}
            said="Deleted"
            onDone={onClose}
          />
        </Group>
      )}
      <Json value={record} label="record" title="The record" />
    </>
  )
}
