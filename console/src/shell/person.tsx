import { ActionIcon, Menu, Tooltip, useMantineColorScheme } from '@mantine/core'
import {
  IconBook,
  IconClock,
  IconDeviceDesktop,
  IconLogout,
  IconLogout2,
  IconMoon,
  IconSun,
  IconUserCircle,
} from '@tabler/icons-react'
import { session } from '../api.ts'
import { API_URL } from '../base.ts'
import { showInUtc, useIsUtc } from '../parts/zone.ts'
import { signOut } from '../session/session.ts'

const SCHEMES = [
  { value: 'light', label: 'Light', icon: IconSun },
  { value: 'dark', label: 'Dark', icon: IconMoon },
  { value: 'auto', label: 'As the system', icon: IconDeviceDesktop },
] as const

/** Who is signed in, as what, and what that hides. */
function standing(): string {
  const { person, role, permissions } = session()
  const who = person === null ? 'With the workspace’s secret' : `${person.name}, ${role}`
  return permissions.includes('payloads') ? who : `${who}: payloads and secrets are masked`
}

export function Person() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const isUtc = useIsUtc()
  return (
    <Menu position="bottom-end" width={210}>
      <Menu.Target>
        <Tooltip label="Appearance, sign out">
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Appearance and sign out">
            <IconUserCircle size={20} stroke={1.6} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{standing()}</Menu.Label>
        <Menu.Divider />
        <Menu.Label>Appearance</Menu.Label>
        {SCHEMES.map(({ value, label, icon: Icon }) => (
          <Menu.Item
            key={value}
            leftSection={<Icon size={15} />}
            rightSection={colorScheme === value ? '✓' : null}
            onClick={() => setColorScheme(value)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Item
          leftSection={<IconClock size={15} />}
          rightSection={isUtc ? '✓' : null}
          onClick={() => showInUtc(!isUtc)}
        >
          Times in UTC
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item component="a" href={`${API_URL}/docs`} target="_blank" leftSection={<IconBook size={15} />}>
          API reference
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void signOut('here')}>
          Sign out
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout2 size={15} />} onClick={() => void signOut('everywhere')}>
          Sign out everywhere
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
