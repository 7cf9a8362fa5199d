import { IconDatabase } from '@tabler/icons-react'
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
import { FieldList } from './field-list.tsx'
import { LayeredActs } from './layered-acts.tsx'
import { LAYER_FILTERS, LAYERS, ONE_INTEGRATION, stateOf } from './layers.ts'

type Source = ItemOf<typeof permea.dataSources.list>

const PATH = 'data-sources'

const placeOf = ({ collectionKey, defaultCollectionKey, udm, path, defaultPath }: Source) =>
  collectionKey ?? path ?? defaultCollectionKey ?? defaultPath ?? (udm === undefined ? 'none yet' : `model ${udm}`)

const columns: readonly Column<Source>[] = [
  { title: 'Name', width: 'minmax(140px, 1.3fr)', cell: (each) => each.name },
  { title: 'Key', width: 'minmax(110px, 1fr)', cell: (each) => <code>{each.key}</code> },
  { title: 'Collection', width: 'minmax(110px, 1fr)', from: 560, cell: placeOf },
  { title: 'For', width: '150px', from: 720, cell: (each) => LAYERS[each.layer] },
  { title: 'Changed', width: '120px', from: 860, cell: (each) => <Moment at={each.updatedAt} /> },
]

const fields: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', required: true, placeholder: 'Tickets' },
  { name: 'key', label: 'Key', kind: 'text', about: 'Flows, actions and field mappings name it by this.' },
  { name: 'description', label: 'Description', kind: 'long' },
  ONE_INTEGRATION,
  {
    name: 'udm',
    label: 'Data model',
    kind: 'text',
    section: 'Which records',
    placeholder: 'tasks',
    about: 'Of every app the collection that its connector has for this model.',
  },
  { name: 'collectionKey', label: 'Collection', kind: 'text', about: 'Of the app; counts before the model.' },
  { name: 'collectionParameters', label: 'Parameters of the collection', kind: 'json', placeholder: '{\n  \n}' },
  {
    name: 'pullUpdatesIntervalSeconds',
    label: 'Look for what is newest every (seconds)',
    kind: 'number',
    section: 'How often apps without webhooks are looked at',
    about: '300 where nothing is given, 60 at least.',
  },
  {
    name: 'fullSyncIntervalSeconds',
    label: 'Go through everything every (seconds)',
    kind: 'number',
    about: '10,800 where nothing is given, 60 at least.',
  },
]

const NewSource = () => <NewButton needs="dataSources.create" path={PATH} label="New data source" />

export function Page() {
  return (
    <ListPage<Source>
      title="Data Sources"
      about="Named places of records in apps: flows, actions and field mappings refer to them."
      path={PATH}
      kind="data-source"
      fetchPage={pagesOf(permea.dataSources.list)}
      filters={LAYER_FILTERS}
      columns={columns}
      actions={<NewSource />}
      empty={
        <Empty icon={IconDatabase} title="No data sources yet" action={<NewSource />}>
          Name a collection of an app, or a data model that several apps have, and let flows start from its records.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconDatabase} title="No data source fits" action={<NewSource />}>
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
      needs="dataSources.create"
      title="New data source"
      path={PATH}
      fields={fields}
      create={(body) => permea.dataSources.create({ body: body as { name: string } })}
    />
  )
}

function Existing() {
  return (
    <RecordDrawer<Source>
      noun="data source"
      path={PATH}
      kind="data-source"
      apiPath="/data-sources"
      fetchOne={(id, signal) => permea.dataSources.get({ params: { selector: id } }, { signal })}
      titleOf={(each) => each.name}
      statusOf={(each) => <Status of={stateOf(each)} />}
      actions={(each) => (
        <LayeredActs
          group="dataSources"
          of={each}
          text="Flows and actions that name it find nothing any more, nor do those of integrations that follow it."
          calls={permea.dataSources}
        />
      )}
      tabs={[
        { key: 'about', title: 'About', show: (each) => <About source={each} /> },
        {
          key: 'edit',
          title: 'Edit',
          show: (each) => (
            <ElementForm
              needs="dataSources.patch"
              draft={`${PATH}/${each.id}`}
              fields={fields}
              of={each}
              isNew={false}
              save={(body) => permea.dataSources.patch({ params: { selector: each.id }, body })}
            />
          ),
        },
      ]}
    />
  )
}

function About({ source }: { source: Source }) {
  const { collectionSpec: spec, udm } = source
  const model = udm === undefined ? undefined : spec?.udm?.[udm]
  return (
    <div className="stack">
      {source.errors?.map((error) => (
        <ErrorCard key={error.message} error={error} />
      ))}
      <Facts
        of={{
          Key: <code>{source.key}</code>,
          Description: source.description,
          'Counts for': LAYERS[source.layer],
          Integration: source.integrationId && <IdLink id={source.integrationId} />,
          'Follows the parent': source.parentId && <IdLink id={source.parentId} />,
          Collection: placeOf(source),
          'Changes are told by': spec?.events && waysOf(spec.events),
        }}
      />
      <div className="two-schemas">
        <FieldList
          title="Fields of the collection"
          schema={spec?.fieldsSchema}
          empty={
            spec === undefined
              ? 'They are known where the data source is one of an integration.'
              : 'The connector tells none.'
          }
        />
        <FieldList
          title={udm === undefined ? 'Fields of a data model' : `Fields of the model ${udm}`}
          schema={{ properties: Object.fromEntries((model?.fields ?? []).map((name) => [name, {}])) }}
          empty={udm === undefined ? 'It names no model.' : 'The app’s connector maps none of this model.'}
        />
      </div>
    </div>
  )
}

function waysOf(events: Readonly<Record<string, { type: string } | undefined>>): string {
  return Object.entries(events)
    .map(([what, way]) => `${what}: ${way?.type === 'push' ? 'the app tells' : 'it is looked at'}`)
    .join('; ')
}
