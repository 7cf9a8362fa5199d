import { useWindowEvent } from '@mantine/hooks'
import { useNotifications } from '@mantine/notifications'
import { lazy, Suspense, useState } from 'react'

const ShownNotices = lazy(() => import('./shown-notices.tsx'))

/**
 * Where notices appear. What shows them is loaded when somebody first does something: hardly anything is said before,
 * and what is said meanwhile waits for it.
 */
export function Notices() {
  const [isAwake, setAwake] = useState(false)
  const { notifications } = useNotifications()
  const wake = () => setAwake(true)
  useWindowEvent('pointerdown', wake, { capture: true })
  useWindowEvent('keydown', wake, { capture: true })
  if (!isAwake && notifications.length === 0) return null
  return (
    <Suspense>
      <ShownNotices />
    </Suspense>
  )
}
