import { Notifications } from '@mantine/notifications'

/** In a file of its own: imported where they are told too, the package would be loaded whole with the page. */
export default function ShownNotices() {
  return <Notifications position="bottom-right" />
}
