// Chapters of the tests' own.
import { type Chapter, chapter } from '../../src/api/chapter.ts'
import type { DocumentedMethod } from '../../src/api/documented.ts'
import type { Endpoint, Methods } from '../../src/api/endpoint.ts'
import type { Registration } from '../../src/core/scope.ts'
import type { Method, Registry } from '../../src/rpc/registry.ts'

/** A chapter of `methods`. */
export function chapterOf<M extends Methods>(methods: M): Chapter<M> {
  return chapter({ title: 'Test', about: 'Methods of a test', methods })
}

/** Every method of `chapters`, as the documents take them. */
export function methodsOf(chapters: readonly Chapter[]): DocumentedMethod[] {
  return chapters.flatMap(heading =>
    Object.entries(heading.methods).map(([name, endpoint]) => ({ name, endpoint, heading })),
  )
}

/** Serves one method. */
export function serveOne(
  registry: Registry,
  name: string,
  endpoint: Endpoint,
  handle: Method['handle'],
): Registration {
  return registry.serve(chapterOf({ [name]: endpoint }), { [name]: handle as never })
}
