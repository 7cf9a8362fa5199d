import { AppShell, Burger, Button, Kbd, UnstyledButton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconError404, IconLock, IconMoodSad, IconSearch } from '@tabler/icons-react'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect } from 'react'
import { wordsOf } from '../api.ts'
import { CONSOLE_PATH } from '../base.ts'
import { UnsavedGuard } from '../forms/unsaved-guard.tsx'
import { Empty } from '../parts/empty.tsx'
import { Jump, openJump } from './jump.tsx'
import { LiveSign } from './live-sign.tsx'
import { Mark } from './mark.tsx'
import { Navigation } from './navigation.tsx'
import { PageHead } from './page-head.tsx'
import { Person } from './person.tsx'
import { WorkspaceSwitch } from './workspace-switch.tsx'

/** What stands around every page. */
export function Shell() {
  const [isOpen, menu] = useDisclosure(false)
  const path = useRouterState({ select: (state) => state.location.pathname })
  // biome-ignore lint/correctness/useExhaustiveDependencies: the menu closes when the page changes
  useEffect(() => menu.close(), [path])
  return (
    <AppShell
      header={{ height: 48 }}
      navbar={{ width: 236, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      transitionDuration={120}
    >
      <button type="button" className="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the page
      </button>
      <AppShell.Header className="top">
        <Burger
          opened={isOpen}
          onClick={menu.toggle}
          hiddenFrom="sm"
          size="sm"
          aria-label={isOpen ? 'Close the navigation' : 'Open the navigation'}
        />
        <Link to="/" search={{}} className="brand">
          <Mark size={26} />
          <span>Permea</span>
        </Link>
        <WorkspaceSwitch />
        <UnstyledButton className="jump-button" onClick={openJump}>
          <IconSearch size={15} aria-hidden />
          <span className="jump-words">Jump to…</span>
          <Kbd size="xs" className="jump-keys" aria-hidden>
            {isMac() ? '⌘' : 'Ctrl'} K
          </Kbd>
        </UnstyledButton>
        <LiveSign />
        <Person />
      </AppShell.Header>
      <AppShell.Navbar>
        <Navigation />
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <Outlet />
      </AppShell.Main>
      <Jump />
      <UnsavedGuard />
    </AppShell>
  )
}

const isMac = () => /Mac|iPhone|iPad/.test(navigator.userAgent)

export function Missing() {
  return (
    <main>
      <Empty
        icon={IconError404}
        title="There is no such page"
        action={
          <Button component="a" href="." variant="default">
            To the start
          </Button>
        }
      >
        The address may be of another version of the console.
      </Empty>
    </main>
  )
}

/** The address names a workspace that is not there, or not for who is signed in. */
export function NotYours() {
  return (
    <main>
      <h1 className="unseen">No such workspace</h1>
      <Empty
        icon={IconError404}
        title="There is no such workspace"
        action={
          <Button component="a" href={`${CONSOLE_PATH}/`} variant="default">
            To your own
          </Button>
        }
      >
        Or nobody invited you to it, or not any more.
      </Empty>
    </main>
  )
}

export function NotForRole({ title, refusal }: { title: string; refusal: string }) {
  return (
    <div className="page">
      <PageHead title={title} />
      <div className="page-body">
        <Empty icon={IconLock} title="Not for your role">
          {refusal}
        </Empty>
      </div>
    </div>
  )
}

export function Broken({ error }: { error: unknown }) {
  return (
    <Empty
      icon={IconMoodSad}
      title="This page broke"
      action={
        <Button variant="default" onClick={() => location.reload()}>
          Load it again
        </Button>
      }
    >
      {wordsOf(error)}
    </Empty>
  )
}
