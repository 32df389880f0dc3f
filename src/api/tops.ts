// The folders at the top of the paths that belong to the server itself.
import { type Chapter, chapters } from './index.ts'

/** Served without a chapter of the contract. */
const FURTHER = ['websocket', 'klippysocket', 'docs', 'sockjs', 'welcome']

/** The first parts of all paths of the API, without slashes. */
export function apiTops(): Set<string> {
  const all: readonly Chapter[] = chapters
  const paths = all.flatMap(({ methods, raw }) => [
    ...Object.values(methods).flatMap(({ routes }) => routes.map(({ path }) => path)),
    ...Object.values(raw).map(({ path }) => path),
  ])
  return new Set([...paths.map(path => path.split('/', 2)[1] ?? ''), ...FURTHER])
}
