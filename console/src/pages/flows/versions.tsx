import { Accordion, Button, Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { type AnswerOf, permea } from '../../api.ts'
import { objectText } from '../../forms/value-text.ts'
import { Act } from '../../parts/act.tsx'
import { nameOfActor } from '../../parts/actors.ts'
import { Failure } from '../../parts/failure.tsx'
import { Moment } from '../../parts/moment.tsx'

const CodeDiff = lazy(() => import('../../code/code-diff.tsx'))

/** What nodes a flow had, each beside what it has now, to be taken back. */
export function Versions({ flow }: { flow: AnswerOf<typeof permea.flows.get> }) {
  const found = useInfiniteQuery({
    // With the nodes: when they change, there is another version.
    queryKey: ['flow', 'versions', flow.id, objectText(flow.nodes)],
    queryFn: ({ pageParam }) =>
      permea.flows.versions({
        params: { selector: flow.id },
        query: pageParam === undefined ? {} : { cursor: pageParam },
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.cursor,
  })
  if (found.error !== null) return <Failure error={found.error} />
  if (found.isPending) return <Skeleton height={120} />
  const versions = found.data.pages.flatMap(({ items }) => items)
  return (
    <div className="stack">
      <Accordion variant="separated">
        {versions.map(({ number, createdAt, changedBy, isCurrent, nodes }) => (
          <Accordion.Item key={number} value={String(number)}>
            <Accordion.Control>
              Version {number}
              {isCurrent && ', as it is now'} <span className="dim">since</span> <Moment at={createdAt} isExact />
              {changedBy !== undefined && (
                <>
                  {' '}
                  <span className="dim">by</span> {nameOfActor(changedBy)}
                </>
              )}
            </Accordion.Control>
            <Accordion.Panel>
              {isCurrent ? (
                <p className="dim">
                  New instances have these nodes; others follow when they are brought to the newest.
                </p>
              ) : (
                <div className="stack">
                  <Suspense fallback={<Skeleton height={200} />}>
                    <CodeDiff
                      label={`What taking back version ${number} changes`}
                      before={objectText(flow.nodes)}
                      after={objectText(nodes)}
                    />
                  </Suspense>
                  <div>
                    <Act
                      needs="flows.restoreVersion"
                      label={`Take back version ${number}`}
                      run={() => permea.flows.restoreVersion({ params: { selector: flow.id, number: String(number) } })}
                      unless={flow.archivedAt === undefined ? null : 'It is archived; restore it to change it.'}
                      confirm={{
                        title: `Take back version ${number}?`,
                        text: 'The flow gets the nodes that it had then, as a new version. No version is lost.',
                      }}
                      said={`The flow has the nodes of version ${number} again`}
                    />
                  </div>
                </div>
              )}
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
      {found.hasNextPage && (
        <Button
          variant="default"
          size="xs"
          loading={found.isFetchingNextPage}
          onClick={() => void found.fetchNextPage()}
        >
          Older versions
        </Button>
      )}
    </div>
  )
}
