import type { TablerIcon } from '@tabler/icons-react'
import type { ReactNode } from 'react'

/** Nothing here: why, and what to do next. */
export function Empty(props: { icon: TablerIcon; title: string; children?: ReactNode; action?: ReactNode }) {
  const Icon = props.icon
  return (
    <div className="empty">
      <Icon size={32} stroke={1.4} aria-hidden />
      <h2>{props.title}</h2>
      {props.children !== undefined && <p>{props.children}</p>}
      {props.action !== undefined && <div style={{ marginTop: 10 }}>{props.action}</div>}
    </div>
  )
}
