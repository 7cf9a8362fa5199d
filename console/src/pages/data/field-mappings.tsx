import { IconArrowsLeftRight } from '@tabler/icons-react'
import { type ReactNode, useMemo } from 'react'
import { type ItemOf, permea } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { NewButton } from '../../parts/go.tsx'
import { IdLink } from '../../parts/links.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { NewElement, newOrExisting } from '../../records/new-element.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { dataSourceKeyChoices } from '../choices.ts'
import { FieldList } from './field-list.tsx'
import { LayeredActs } from './layered-acts.tsx'
import { LAYER_FILTERS, LAYERS, ONE_INTEGRATION, stateOf } from './layers.ts'
import { fieldsOf } from './schema-fields.ts'

type Mapping = ItemOf<typeof permea.fieldMappings.list>

const PATH = 'field-mappings'

const DIRECTIONS = { import: 'from the app', export: 'to the app', both: 'both ways' }

const columns: readonly Column<Mapping>[] = [
  { title: 'Name', width: 'minmax(140px, 1.3fr)', cell: (each) => each.name },
  { title: 'Key', width: 'minmax(110px, 1fr)', cell: (each) => <code>{each.key}</code> },
  { title: 'Data source', width: 'minmax(110px, 1fr)', from: 560, cell: (each) => each.dataSourceKey ?? '–' },
  { title: 'For', width: '150px', from: 720, cell: (each) => LAYERS[each.layer] },
  { title: 'Changed', width: '120px', from: 860, cell: (each) => <Moment at={each.updatedAt} /> },
]

const head: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', required: true, placeholder: 'Tickets' },
  { name: 'key', label: 'Key', kind: 'text', about: 'Flows and actions name it by this.' },
  { name: 'description', label: 'Description', kind: 'long' },
  ONE_INTEGRATION,
  {
    name: 'dataSourceKey',
    label: 'Data source',
    kind: 'lookup',
    lookUp: dataSourceKeyChoices,
    section: 'What it maps',
  },
  {
    name: 'direction',
    label: 'Direction',
    kind: 'choice',
    choices: Object.entries(DIRECTIONS).map(([value, label]) => ({ value, label })),
  },
]

const EXAMPLE = '{\n  "title": { "$var": "$.subject" }\n}'

const values: readonly Field[] = [
  {
    name: 'importValue',
    label: 'From the app: your fields',
    kind: 'json',
    section: 'Between fields of the collection and yours',
    placeholder: EXAMPLE,
    about: 'Each of your fields with a formula over fields of the collection.',
  },
  {
    name: 'exportValue',
    label: 'To the app: fields of the collection',
    kind: 'json',
    placeholder: EXAMPLE,
    about: 'Each field of the collection with a formula over your fields.',
  },
  {
    name: 'defaultImportValue',
    label: 'From the model: your fields',
    kind: 'json',
    section: 'Between fields of the data model and yours, for every app',
    placeholder: EXAMPLE,
    about: 'Counts where nothing is said of the app’s own collection.',
  },
  {
    name: 'defaultExportValue',
    label: 'To the model: fields of the model',
    kind: 'json',
    placeholder: EXAMPLE,
  },
  { name: 'appSchema', label: 'JSON Schema of your fields', kind: 'json', section: 'Your side' },
]

const NewMapping = () => <NewButton needs="fieldMappings.create" path={PATH} label="New field mapping" />

export function Page() {
  return (
    <ListPage<Mapping>
      title="Field Mappings"
      about="Records of apps in the shape of your application, and back."
      path={PATH}
      kind="field-mapping"
      fetchPage={pagesOf(permea.fieldMappings.list)}
      filters={LAYER_FILTERS}
      columns={columns}
      actions={<NewMapping />}
      empty={
        <Empty icon={IconArrowsLeftRight} title="No field mappings yet" action={<NewMapping />}>
          Without one, flows are given the fields as the app has them.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconArrowsLeftRight} title="No field mapping fits" action={<NewMapping />}>
          Look for another part of the name or key.
        </Empty>
      }
    />
  )
}

export const Record = newOrExisting(New, Existing)

function New() {
  return (
    <NewElement
      needs="fieldMappings.create"
      title="New field mapping"
      path={PATH}
      fields={head}
      of={{ direction: 'both' }}
      create={(body) => permea.fieldMappings.create({ body: { direction: 'both', ...body } })}
    />
  )
}

/** The fields of one side that its formulas can name. */
function scopeOf(schema: unknown): NonNullable<Field['scope']> {
  const fields = fieldsOf(schema).map(({ path, type }) => [`$.${path}`, type] as const)
  return { paths: fields.map(([path]) => path), samples: new Map(fields) }
}

const FROM_YOURS = ['exportValue', 'defaultExportValue']

/** With the fields of the side that each of them is over. */
function Values({ mapping, children }: { mapping: Mapping; children(fields: readonly Field[]): ReactNode }) {
  const { dataSourceSchema, appSchema, importValue, defaultImportValue } = mapping
  const fields = useMemo(() => {
    const ofApp = scopeOf(dataSourceSchema)
    const ofYours = scopeOf(appSchema ?? guessed(importValue ?? defaultImportValue))
    return values.map((field): Field => {
      if (FROM_YOURS.includes(field.name)) return { ...field, scope: ofYours }
      return field.name === 'importValue' ? { ...field, scope: ofApp } : field
    })
  }, [dataSourceSchema, appSchema, importValue, defaultImportValue])
  return children(fields)
}

function Existing() {
  const form = (each: Mapping, part: 'values' | 'head', fields: readonly Field[]) => (
    <ElementForm
      needs="fieldMappings.patch"
      draft={`${PATH}/${each.id}/${part}`}
      fields={fields}
      of={each}
      isNew={false}
      save={(body) => permea.fieldMappings.patch({ params: { selector: each.id }, body })}
    />
  )
  return (
    <RecordDrawer<Mapping>
      noun="field mapping"
      path={PATH}
      kind="field-mapping"
      apiPath="/field-mappings"
      size={1180}
      fetchOne={(id, signal) => permea.fieldMappings.get({ params: { selector: id } }, { signal })}
      titleOf={(each) => each.name}
      statusOf={(each) => <Status of={stateOf(each)} />}
      actions={(each) => (
        <LayeredActs
          group="fieldMappings"
          of={each}
          text="Flows and actions that name it fail, and so do those of integrations that follow it."
          calls={permea.fieldMappings}
        />
      )}
      tabs={[
        {
          key: 'mapping',
          title: 'Mapping',
          show: (each) => (
            <div className="stack">
              <Schemas mapping={each} />
              <Values mapping={each}>{(fields) => form(each, 'values', fields)}</Values>
            </div>
          ),
        },
        { key: 'about', title: 'About', show: (each) => <About mapping={each} /> },
        { key: 'edit', title: 'Edit', show: (each) => form(each, 'head', head) },
      ]}
    />
  )
}

/** The two sides, beside each other. */
function Schemas({ mapping }: { mapping: Mapping }) {
  return (
    <div className="two-schemas">
      <FieldList
        title="Fields of the collection"
        schema={mapping.dataSourceSchema}
        empty={
          mapping.integrationId === undefined
            ? 'They are known where the mapping is one of an integration: this one counts for every app.'
            : 'The connector tells none, or the data source names no collection of the app.'
        }
      />
      <FieldList
        title="Fields of your application"
        schema={mapping.appSchema ?? guessed(mapping.importValue ?? mapping.defaultImportValue)}
        empty="Give the JSON Schema of your fields below, or map one."
      />
    </div>
  )
}

/** Where no schema is given: the fields that are mapped. */
function guessed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  const names = Object.keys(value).filter((name) => !name.startsWith('$'))
  return { properties: Object.fromEntries(names.map((name) => [name, {}])) }
}

function About({ mapping }: { mapping: Mapping }) {
  return (
    <div className="stack">
      {mapping.errors?.map((error) => (
        <ErrorCard key={error.message} error={error} />
      ))}
      <Facts
        of={{
          Key: <code>{mapping.key}</code>,
          Description: mapping.description,
          'Counts for': LAYERS[mapping.layer],
          Integration: mapping.integrationId && <IdLink id={mapping.integrationId} />,
          'Follows the parent': mapping.parentId && <IdLink id={mapping.parentId} />,
          'Data source': mapping.dataSourceKey,
          Direction: DIRECTIONS[mapping.direction ?? 'both'],
        }}
      />
    </div>
  )
}
