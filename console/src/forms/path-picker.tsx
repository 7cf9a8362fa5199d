import { ActionIcon, Combobox, Tooltip, useCombobox } from '@mantine/core'
import { IconVariable } from '@tabler/icons-react'
import { useState } from 'react'
import { numberOf } from '../parts/number-of.ts'
import type { FormScope } from './scope.ts'

interface PathPickerProps {
  /** Of the field that is written into. */
  label: string
  scope: Pick<FormScope, 'paths' | 'samples'>
  onPick(path: string): void
}

const SHOWN_MAX = 100

/** Every field that a formula can name here, with what stood there last, to be searched and chosen. */
export function PathPicker({ label, scope, onPick }: PathPickerProps) {
  const [sought, setSought] = useState('')
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption()
      setSought('')
    },
    onDropdownOpen: () => combobox.focusSearchInput(),
  })
  const words = sought.trim().toLowerCase().split(/\s+/)
  const found = scope.paths.filter((path) => {
    const text = `${path} ${scope.samples.get(path) ?? ''}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
  return (
    <Combobox
      store={combobox}
      width={340}
      position="bottom-end"
      withinPortal
      onOptionSubmit={(path) => {
        combobox.closeDropdown()
        onPick(path)
      }}
    >
      <Combobox.Target targetType="button" withAriaAttributes={false}>
        <Tooltip label="Insert a field">
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            aria-label={`Insert a field into ${label}`}
            aria-haspopup="listbox"
            aria-expanded={combobox.dropdownOpened}
            onClick={() => combobox.toggleDropdown()}
          >
            <IconVariable size={16} />
          </ActionIcon>
        </Tooltip>
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Search
          aria-label="Search fields"
          placeholder={`Search ${numberOf(scope.paths.length, 'field')}`}
          value={sought}
          onChange={(event) => {
            setSought(event.currentTarget.value)
            combobox.updateSelectedOptionIndex()
          }}
        />
        <Combobox.Options mah={280} style={{ overflowY: 'auto' }} aria-label="Fields">
          {found.slice(0, SHOWN_MAX).map((path) => (
            <Combobox.Option key={path} value={path}>
              <span className="path-option">
                <code>{path}</code>
                {scope.samples.has(path) && <span className="dim">{scope.samples.get(path)}</span>}
              </span>
            </Combobox.Option>
          ))}
          {found.length === 0 && <Combobox.Empty>No field fits</Combobox.Empty>}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  )
}
