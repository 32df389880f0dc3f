// The front-ends that the server serves, for the components that show them.
import { service } from '../../component/service.ts'

/** A front-end. */
export interface ServedFrontend {
  /** As in its section, such as `mainsail`. */
  readonly name: string
  /** Its path, with a slash at the end; without the server's route prefix. */
  readonly path: string
}

/** The front-ends that the server serves. */
export interface ServedFrontends {
  list(): readonly ServedFrontend[]
}

/** The front-ends that the server serves. */
export const frontendsService = service<ServedFrontends>('frontends')
