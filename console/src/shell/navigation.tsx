import { ScrollArea } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { permea, session } from '../api.ts'
import { useUpdates } from '../live/live.ts'
import { PAGE_GROUPS, type PageEntry } from '../pages.ts'

const SHOWN_MAX = 99

/** How many alerts are ongoing, beside the page that lists them. */
function OngoingAlerts() {
  const { data, refetch } = useQuery({
    queryKey: ['alert', 'count'],
    queryFn: () => permea.alerts.list({ query: { status: 'ongoing', limit: SHOWN_MAX + 1 } }),
    refetchInterval: 60_000,
  })
  useUpdates(['alert'], () => void refetch())
  const count = data?.items.length ?? 0
  if (count === 0) return null
  const isCritical = data?.items.some((each) => each.severity === 'critical')
  return (
    <span className="nav-badge" data-tone={isCritical ? 'bad' : 'warn'}>
      {count > SHOWN_MAX ? `${SHOWN_MAX}+` : count}
      <span className="unseen"> ongoing</span>
    </span>
  )
}

/** What a role may not do is not offered to it. */
function isForRole({ needs }: PageEntry): boolean {
  return needs === undefined || session().permissions.includes(needs)
}

export function Navigation() {
  return (
    <ScrollArea className="nav" component="nav" aria-label="Pages" type="never">
      {PAGE_GROUPS.map((group) => (
        <div key={group.title ?? ''}>
          {group.title !== null && (
            <div className="nav-group" id={`nav-${group.title}`}>
              {group.title}
            </div>
          )}
          <ul className="nav-list" {...(group.title === null ? {} : { 'aria-labelledby': `nav-${group.title}` })}>
            {group.pages.filter(isForRole).map(({ path, title, icon: Icon }) => (
              <li key={path}>
                <Link
                  to={`/${path}`}
                  search={{}}
                  className="nav-link"
                  activeOptions={{ exact: path === '', includeSearch: false }}
                >
                  <Icon size={17} stroke={1.7} aria-hidden />
                  {title}
                  {path === 'alerts' && <OngoingAlerts />}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </ScrollArea>
  )
}
