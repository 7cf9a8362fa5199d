import { Alert, Badge, Button, Group, Select, Skeleton, TextInput } from '@mantine/core'
import { Role } from '@permea/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type ItemOf, permea, refreshAll, session, wordsOf } from '../../api.ts'
import { Act } from '../../parts/act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Card } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { HistoryLink } from '../../parts/history-link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { PageHead } from '../../shell/page-head.tsx'

const ROLES = Role.options.map((role) => ({ value: role, label: role }))

export function Page() {
  const people = useQuery({ queryKey: ['person', 'list'], queryFn: () => permea.people.list() })
  const invited = useQuery({ queryKey: ['invitation', 'list'], queryFn: () => permea.invitations.list() })
  return (
    <div className="page">
      <PageHead title="People" about="Who may sign in to this workspace, and as what." />
      <div className="page-body narrow">
        {people.error !== null && <Failure error={people.error} onRetry={() => void people.refetch()} />}
        <div className="stack">
          <InviteCard />
          {people.data === undefined ? (
            people.error === null && <Skeleton height={160} />
          ) : (
            <Card title="Members" aside={<HistoryLink of={{ elementType: 'people' }} />}>
              <ul className="plain-list" aria-label="Members">
                {people.data.items.map((person) => (
                  <Member key={person.id} person={person} />
                ))}
              </ul>
              {people.data.items.length === 0 && <p className="dim flat">Nobody yet. Invite yourself first.</p>}
            </Card>
          )}
          {invited.data !== undefined && invited.data.items.length > 0 && (
            <Card title="Invited">
              <ul className="plain-list" aria-label="Invited">
                {invited.data.items.map(({ id, email, role, expiresAt }) => (
                  <li key={id}>
                    <Group justify="space-between" gap="xs">
                      <span>
                        {email} <Badge variant="default">{role}</Badge> until <Moment at={expiresAt} />
                      </span>
                      <Act
                        needs="invitations.archive"
                        label="Take back"
                        run={() => permea.invitations.archive({ params: { id } })}
                        said="The invitation is good no more"
                      />
                    </Group>
                  </li>
                ))}
              </ul>
            </Card>
          )}
        </div>
      </div>
    </div>
  )
}

function InviteCard() {
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<Role>('developer')
  const inviting = useMutation({
    mutationFn: () => permea.invitations.create({ body: { email, role } }),
    onSuccess: refreshAll,
  })
  return (
    <Card title="Invite somebody">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          inviting.mutate()
        }}
      >
        <TextInput
          label="E-mail address"
          type="email"
          required
          withAsterisk={false}
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          error={inviting.error === null ? undefined : wordsOf(inviting.error)}
        />
        <Select
          label="Role"
          data={ROLES}
          value={role}
          onChange={(to) => setRole((to ?? 'developer') as Role)}
          allowDeselect={false}
          maw={220}
        />
        <div>
          <Button type="submit" loading={inviting.isPending}>
            Invite
          </Button>
        </div>
        {inviting.data !== undefined && <LinkShown {...inviting.data} />}
      </form>
    </Card>
  )
}

function LinkShown({ link, isMailed }: { link: string; isMailed: boolean }) {
  return (
    <Alert role="status" variant="outline" title="The link">
      <p>{isMailed ? 'It was mailed, and is shown here once.' : 'Hand it over; it is shown once, and lets in once.'}</p>
      <Copyable text={link} what="link" />
    </Alert>
  )
}

function Member({ person }: { person: ItemOf<typeof permea.people.list> }) {
  const params = { id: person.id }
  const [link, setLink] = useState<{ link: string; isMailed: boolean } | null>(null)
  const isSelf = session().person?.email === person.email
  const ways = [
    person.hasPassword && 'password',
    person.hasSecondFactor && 'second factor',
    person.hasSingleSignOn && 'single sign-on',
  ].filter((each) => each !== false)
  return (
    <li className="stack">
      <div>
        <strong>{person.name}</strong> {person.email} <Badge variant="default">{person.role}</Badge>
        <div className="dim">
          {ways.join(', ')}, last seen <Moment at={person.lastSeenAt} /> <HistoryLink of={{ actorId: person.id }} />
        </div>
      </div>
      <Group gap="xs">
        {ROLES.filter(({ value }) => value !== person.role).map(({ value }) => (
          <Act
            needs="people.patch"
            key={value}
            label={`Make ${value}`}
            aria-label={`Make ${person.email} ${value}`}
            run={() => permea.people.patch({ params, body: { role: value } })}
            said={`${person.name} is ${value} now`}
            {...(isSelf
              ? { confirm: { title: 'Change your own role?', text: 'You may not be able to take it back.' } }
              : {})}
          />
        ))}
        <Act
          needs="people.endSessions"
          label="Sign out"
          run={() => permea.people.endSessions({ params })}
          said="Signed out everywhere"
        />
        <Act
          needs="people.passwordLink"
          label="Password link"
          run={() => permea.people.passwordLink({ params })}
          onDone={setLink}
        />
        {person.hasSecondFactor && (
          <Act
            needs="people.removeSecondFactor"
            label="Take away second factor"
            run={() => permea.people.removeSecondFactor({ params })}
            said="No code is asked for any more"
            confirm={{ title: 'Take away the second factor?', text: 'The password alone lets in then.' }}
          />
        )}
        <Act
          needs="people.archive"
          label="Remove"
          aria-label={`Remove ${person.email}`}
          run={() => permea.people.archive({ params })}
          said={`${person.name} is out`}
          confirm={{ title: `Remove ${person.name}?`, text: 'Sessions in this workspace end at once.' }}
        />
      </Group>
      {link !== null && <LinkShown {...link} />}
    </li>
  )
}
