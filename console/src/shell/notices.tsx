import { useNotifications } from '@mantine/notifications'
import { lazy, Suspense, useEffect, useState } from 'react'

const ShownNotices = lazy(() => import('./shown-notices.tsx'))

/**
 * Where notices appear. What shows them is loaded when somebody first does something: hardly anything is said before,
 * and what is said meanwhile waits for it.
 */
export function Notices() {
  const [isAwake, setAwake] = useState(false)
  const { notifications } = useNotifications()
  useEffect(() => {
    const wake = () => setAwake(true)
    for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, wake, { once: true, capture: true })
    return () => {
      for (const kind of ['pointerdown', 'keydown']) removeEventListener(kind, wake, { capture: true })
    }
  }, [])
  if (!isAwake && notifications.length === 0) return null
  return (
    <Suspense>
      <ShownNotices />
    </Suspense>
  )
}
