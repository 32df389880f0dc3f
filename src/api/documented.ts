// What the published documents consist of: methods as the server serves them, each with the heading of its chapter.
import type { Heading } from './chapter.ts'
import type { Endpoint } from './endpoint.ts'
import { chapters } from './index.ts'

/** A method that the server serves. */
export interface DocumentedMethod {
  readonly name: string
  readonly endpoint: Endpoint
  readonly heading: Heading
}

/** What the documents state about the server as a whole. */
export interface DocumentInfo {
  readonly title: string
  /** The server's version. */
  readonly version: string
  readonly description: string
}

/** A heading as OpenAPI and OpenRPC write it. */
export interface Tag {
  readonly name: string
  readonly description: string
}

/** The tags for `headings`, each once: those of the contract in its order, then others in order of appearance. */
export function tagsOf(headings: Iterable<Heading>): Tag[] {
  const used = new Map([...headings].map(({ title, about }) => [title, about]))
  const titles = new Set([...chapters.map(({ title }) => title), ...used.keys()])
  return [...titles].flatMap(name => {
    const description = used.get(name)
    return description === undefined ? [] : [{ name, description }]
  })
}
