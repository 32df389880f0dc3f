// The types of the API's replies.
import type { ResultOf } from '../../api/endpoint.ts'
import type { Api } from '../../api/index.ts'

/** The result of a method. */
export type Reply<M extends keyof Api> = ResultOf<Api[M]>
