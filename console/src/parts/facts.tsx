import { Fragment, type ReactNode } from 'react'

/** Names with values; what is undefined or null is left out. */
export function Facts({ of }: { of: Record<string, ReactNode> }) {
  const entries = Object.entries(of).filter(([, value]) => value !== undefined && value !== null)
  return (
    <dl className="facts">
      {entries.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </Fragment>
      ))}
    </dl>
  )
}

export function Card({ title, aside, children }: { title?: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className="card" {...(title === undefined ? {} : { 'aria-label': title })}>
      {title !== undefined && (
        <div style={{ display: 'flex', justifyContent: 'space-between', gap: 12, alignItems: 'baseline' }}>
          <h2 className="section-title">{title}</h2>
          {aside}
        </div>
      )}
      {children}
    </section>
  )
}
