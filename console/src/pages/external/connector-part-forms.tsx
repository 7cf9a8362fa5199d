import { Group, SegmentedControl } from '@mantine/core'
import { IconPuzzle } from '@tabler/icons-react'
import { permea } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field, Values } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { useUrlState } from '../../records/url-state.ts'
import { type Connector, changedPart, type PartKind, shownPart } from './connector-parts.ts'

const KEY: Field = {
  name: 'key',
  label: 'Key',
  kind: 'text',
  required: true,
  about: 'Letters, digits, dots and dashes. What it is called by from then on.',
}

/** The parts of one kind that a connector has, and the form of the one that the URL names. */
export function PartForms({ connector, kind }: { connector: Connector; kind: PartKind }) {
  const { search, change } = useUrlState()
  const parts = partsOf(connector, kind)
  const keys = Object.keys(parts)
  const isAdding = search.adding !== undefined
  const chosen = isAdding ? undefined : search.part !== undefined && keys.includes(search.part) ? search.part : keys[0]
  const open = (part: string | undefined) => change({ part, adding: undefined, of: undefined })
  return (
    <div className="parts">
      <nav className="parts-list" aria-label={kind.title}>
        {keys.map((key) => (
          <button key={key} type="button" aria-current={key === chosen || undefined} onClick={() => open(key)}>
            <span>{titleOf(parts[key] ?? {}) ?? key}</span>
            <code>{key}</code>
          </button>
        ))}
        <button
          type="button"
          aria-current={isAdding || undefined}
          onClick={() => change({ adding: '1', of: undefined })}
        >
          + Add {/^[aeiou]/.test(kind.noun) ? 'an' : 'a'} {kind.noun}
        </button>
      </nav>
      <div>
        <p className="dim flat">{kind.about}</p>
        {isAdding && <Adding connector={connector} kind={kind} onAdded={open} />}
        {!isAdding && chosen === undefined && (
          <Empty icon={IconPuzzle} title={`It has no ${kind.title.toLowerCase()}`}>
            Add one: it is checked when it is saved, and counts from then on.
          </Empty>
        )}
        {chosen !== undefined && (
          <PartForm
            key={`${kind.name}/${chosen}`}
            connector={connector}
            kind={kind}
            of={chosen}
            onGone={() => open(undefined)}
          />
        )}
      </div>
    </div>
  )
}

function Adding({ connector, kind, onAdded }: { connector: Connector; kind: PartKind; onAdded(key: string): void }) {
  return (
    <ElementForm
      needs="connectors.patch"
      draft={`connectors/${connector.id}/${kind.name}/new`}
      fields={[KEY, ...kind.first]}
      of={kind.begin}
      isNew
      within={`${kind.name}.`}
      button={`Add ${kind.noun}`}
      save={async ({ key, ...body }) => {
        await saveParts(connector.id, kind, (parts) => {
          if (Object.hasOwn(parts, String(key))) throw new Error(`There is ${String(key)} already`)
          return { ...parts, [String(key)]: changedPart(kind.begin, body) }
        })
        return String(key)
      }}
      onSaved={onAdded}
    />
  )
}

interface PartFormProps {
  connector: Connector
  kind: PartKind
  of: string
  onGone(): void
}

function PartForm({ connector, kind, of, onGone }: PartFormProps) {
  const { search, change } = useUrlState()
  const part = partsOf(connector, kind)[of] ?? {}
  const page = kind.pages.find(({ key }) => key === search.of) ?? kind.pages[0]
  if (page === undefined) return null
  return (
    <div className="stack">
      <Group justify="space-between" gap="xs">
        <Copyable text={of} what="key" />
        <Act
          needs="connectors.patch"
          label={`Remove ${kind.noun}`}
          run={() => saveParts(connector.id, kind, ({ [of]: _, ...others }) => others)}
          said="Removed"
          confirm={{ title: `Remove “${of}”?`, text: 'What uses it fails from then on.' }}
          onDone={onGone}
        />
      </Group>
      {kind.pages.length > 1 && (
        <SegmentedControl
          size="xs"
          className="parts-pages"
          aria-label={`What of the ${kind.noun}`}
          data={kind.pages.map(({ key, title }) => ({ value: key, label: title }))}
          value={page.key}
          onChange={(to) => change({ of: to })}
        />
      )}
      <ElementForm
        needs="connectors.patch"
        draft={`connectors/${connector.id}/${kind.name}/${of}/${page.key}`}
        fields={page.fields}
        of={shownPart(page.fields, part)}
        isNew={false}
        within={`${kind.name}.${of}.`}
        save={(body) =>
          saveParts(connector.id, kind, (parts) => ({ ...parts, [of]: changedPart(parts[of] ?? {}, body) }))
        }
      />
    </div>
  )
}

const partsOf = (connector: Connector, { name }: PartKind) => (connector[name] ?? {}) as Record<string, Values>

const titleOf = ({ name, title }: Values) => (name ?? title) as string | undefined

/** Changes parts of the connector as it is now: others may have changed some meanwhile. */
async function saveParts(
  id: string,
  kind: PartKind,
  changed: (parts: Record<string, Values>) => Record<string, Values>,
): Promise<unknown> {
  const params = { selector: id }
  const now = await permea.connectors.get({ params })
  return permea.connectors.patch({ params, body: { [kind.name]: changed(partsOf(now, kind)) } as never })
}
