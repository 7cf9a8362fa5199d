import { ScrollArea } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { PAGE_GROUPS } from '../pages.ts'

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
            {group.pages.map(({ path, title, icon: Icon }) => (
              <li key={path}>
                <Link
                  to={`/${path}`}
                  search={{}}
                  className="nav-link"
                  activeOptions={{ exact: path === '', includeSearch: false }}
                >
                  <Icon size={17} stroke={1.7} aria-hidden />
                  {title}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </ScrollArea>
  )
}
