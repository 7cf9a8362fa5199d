import { CloseButton, Drawer } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useEscape } from './escape.ts'

/** Where a new element is made, beside the list it will be in. */
export function NewDrawer({ title, path, children }: { title: string; path: string; children: ReactNode }) {
  const navigate = useNavigate()
  const isNarrow = useMediaQuery('(max-width: 48em)')
  const close = () => void navigate({ to: `/${path}`, search: true })
  useEscape(close)
  return (
    <Drawer.Root opened onClose={close} closeOnEscape={false} position="right" size={isNarrow ? '100%' : 760}>
      <Drawer.Overlay backgroundOpacity={0.3} />
      <Drawer.Content aria-label={title}>
        <div className="drawer-head">
          <div className="drawer-title">
            <h2>{title}</h2>
          </div>
          <div className="drawer-tools">
            <CloseButton onClick={close} aria-label="Close" />
          </div>
        </div>
        <div className="drawer-body">{children}</div>
      </Drawer.Content>
    </Drawer.Root>
  )
}
