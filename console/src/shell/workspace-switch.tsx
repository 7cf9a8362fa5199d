import { Combobox, UnstyledButton, useCombobox } from '@mantine/core'
import { IconSelector } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { freshToken, session } from '../api.ts'
import { pagesOf } from '../base.ts'

const MANAGE = ' manage'

/** Which workspace the pages are of, and the way to another: typed, chosen with the arrows, or clicked. */
export function WorkspaceSwitch() {
  const { workspace, workspaces, permissions } = session()
  const mayManage = permissions.includes('installation')
  if (workspaces.length < 2 && !mayManage) return <span className="workspace-name">{workspace.name}</span>
  return <Switch mayManage={mayManage} />
}

function Switch({ mayManage }: { mayManage: boolean }) {
  const here = session().workspace
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const [isOpen, setIsOpen] = useState(false)
  const combobox = useCombobox({
    onDropdownOpen() {
      setIsOpen(true)
      setText('')
      combobox.focusSearchInput()
    },
    onDropdownClose() {
      setIsOpen(false)
      combobox.resetSelectedOption()
      combobox.focusTarget()
    },
  })
  // Those that the person was invited to since the page was opened, too.
  const { data = session().workspaces } = useQuery({
    queryKey: ['session', 'workspaces'],
    queryFn: () => freshToken().then(() => session().workspaces),
    enabled: isOpen,
  })
  const shown = data.filter(({ key, name }) => `${name} ${key}`.toLowerCase().includes(text.trim().toLowerCase()))
  const choose = (chosen: string) => {
    combobox.closeDropdown()
    if (chosen === MANAGE) void navigate({ to: '/workspaces', search: {} })
    else if (chosen !== here.key) location.assign(`${pagesOf(chosen)}/`)
  }
  return (
    <Combobox store={combobox} onOptionSubmit={choose} width={280} position="bottom-start" withinPortal={false}>
      <Combobox.Target targetType="button" withAriaAttributes={false}>
        <UnstyledButton
          className="workspace-name workspace-switch"
          aria-label={`Workspace ${here.name}: change`}
          aria-haspopup="listbox"
          aria-expanded={isOpen}
          onClick={() => combobox.toggleDropdown()}
        >
          <span className="workspace-switch-name">{here.name}</span>
          <IconSelector size={14} aria-hidden style={{ flexShrink: 0 }} />
        </UnstyledButton>
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Search
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value)
            combobox.updateSelectedOptionIndex()
          }}
          placeholder="A workspace"
          aria-label="Workspace"
        />
        <Combobox.Options mah={320} style={{ overflowY: 'auto' }} aria-label="Workspaces">
          {shown.map(({ key, name, role }) => (
            <Combobox.Option key={key} value={key} active={key === here.key}>
              <span className="workspace-option">
                {name}
                {key === here.key && <span className="unseen"> (this one)</span>}
              </span>
              <span className="dim workspace-option">
                {key} · {role}
              </span>
            </Combobox.Option>
          ))}
          {shown.length === 0 && <Combobox.Empty>No workspace is called so</Combobox.Empty>}
          {mayManage && <Combobox.Option value={MANAGE}>Make or manage workspaces…</Combobox.Option>}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  )
}
