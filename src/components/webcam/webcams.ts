// The webcams of the configuration and those of the database. The database is read each time, since front-ends write
// to its namespace themselves: Fluidd when it migrates its old cameras, Mainsail when it restores a backup.
import { randomUUID } from 'node:crypto'
import type { ParamsOf } from '../../api/index.ts'
import { type webcam as chapter, type Webcam, webcamSettings } from '../../api/webcam.ts'
import { ApiError } from '../../core/errors.ts'
import { SerialQueue } from '../../core/serial-queue.ts'
import { readShape } from '../../schema/index.ts'
import type { Namespaces } from '../../storage/index.ts'
import { readStored, storedOf } from './stored-webcam.ts'

/** The original's namespace; its keys are the uids. */
const NAMESPACE = 'webcams'
/** Every change of any webcam sends all of them to every client. */
const MAX_WEBCAMS = 100
/** Bytes of JSON that front-ends may keep with a webcam. */
const MAX_EXTRA_DATA = 64 * 1024

/** How a caller identifies a webcam; a uid takes precedence over a name. */
export interface Which {
  readonly uid?: string | undefined
  readonly name?: string | undefined
}

/** The parameters of server.webcams.post_item. */
export type WebcamChange = ParamsOf<(typeof chapter)['methods']['server.webcams.post_item']>

export class Webcams {
  readonly #namespaces: Namespaces
  readonly #configured: readonly Webcam[]
  /** Runs changes one after the other: of two requests at the same time only one may use a free name. */
  readonly #queue = new SerialQueue()

  /** `configured` are the webcams of the configuration. */
  constructor(namespaces: Namespaces, configured: readonly Webcam[]) {
    this.#namespaces = namespaces
    this.#configured = configured
  }

  /** All webcams that clients see, those of the configuration first; each name and each uid once. */
  list(): Webcam[] {
    return this.#sorted().seen
  }

  /** Stored webcams that are left out, one line each, for the log. */
  hidden(): string[] {
    return this.#sorted().hidden
  }

  /** Throws ApiError 404, or 400 where neither uid nor name is given. */
  get({ uid, name }: Which): Webcam {
    const found = this.list().find(cam => (uid === undefined ? cam.name === name : cam.uid === uid))
    if (found !== undefined) return found
    if (uid !== undefined) throw new ApiError(404, `Webcam with UID ${shorten(uid)} not found`)
    throw name === undefined ? missing('name') : new ApiError(404, `Webcam ${shorten(name)} not found`)
  }

  /**
   * Creates or changes a webcam; resolves once it is on the disk. Rejects with ApiError: 404 for an unknown uid, 400 for
   * a webcam of the configuration, a name in use, a new webcam without name or stream, or too many webcams.
   */
  save(change: WebcamChange): Promise<Webcam> {
    return this.#queue.run(async () => {
      const { uid, name } = change
      if (uid === undefined && name === undefined) throw missing('name')
      const known = uid === undefined ? this.list().find(cam => cam.name === name) : this.get({ uid })
      const cam = known === undefined ? this.#created(change) : this.#changed(known, change)
      checkExtraData(cam)
      const key = [cam.uid]
      await this.#namespaces.post(NAMESPACE, key, storedOf(cam, this.#namespaces.find(NAMESPACE, key)))
      return cam
    })
  }

  /** Deletes a webcam and resolves with it. Rejects with ApiError 404, or 400 for a webcam of the configuration. */
  delete(which: Which): Promise<Webcam> {
    return this.#queue.run(async () => {
      const cam = this.get(which)
      if (cam.source === 'config') {
        throw new ApiError(400, `Cannot delete webcam '${cam.name}' sourced from Moonraker configuration`)
      }
      await this.#namespaces.delete(NAMESPACE, [cam.uid])
      return cam
    })
  }

  #created(change: WebcamChange): Webcam {
    const { name, stream_url, extra_data = {} } = change
    if (name === undefined) throw missing('name')
    if (stream_url === undefined) throw missing('stream_url')
    if (this.list().length >= MAX_WEBCAMS) {
      throw new ApiError(400, `Webcam ${shorten(name)} cannot be added: there are ${MAX_WEBCAMS} already`)
    }
    return { name, ...readShape(webcamSettings, change), source: 'database', extra_data, uid: randomUUID() }
  }

  #changed(known: Webcam, change: WebcamChange): Webcam {
    if (known.source === 'config') {
      throw new ApiError(400, `Cannot overwrite webcam '${known.name}' sourced from Moonraker configuration`)
    }
    const { name } = change
    if (name !== undefined && name !== known.name && this.list().some(cam => cam.name === name)) {
      throw new ApiError(
        400,
        `Cannot rename webcam from '${known.name}' to '${name}'.  Webcam with requested name '${name}' ` +
          'already exists.',
      )
    }
    // `change` contains only the fields of the request; a uid in it is that of `known`.
    return Object.assign({}, known, change)
  }

  #sorted(): { seen: Webcam[]; hidden: string[] } {
    const seen = [...this.#configured]
    const hidden: string[] = []
    const taken = new Set(seen.flatMap(({ name, uid }) => [`name ${name}`, `uid ${uid}`]))
    for (const [uid, stored] of this.#namespaces.entries(NAMESPACE)) {
      const cam = readStored(uid, stored)
      if (cam === undefined) hidden.push(`webcam ${uid} of the database has no name: it is left out`)
      else if (taken.has(`uid ${uid}`) || taken.has(`name ${cam.name}`)) {
        hidden.push(`webcam ${uid} of the database is left out: there is another '${cam.name}'`)
      } else {
        taken.add(`name ${cam.name}`)
        seen.push(cam)
      }
    }
    return { seen, hidden }
  }
}

function checkExtraData({ extra_data }: Webcam): void {
  let size = Number.POSITIVE_INFINITY
  try {
    size = Buffer.byteLength(JSON.stringify(extra_data))
  } catch (error) {
    // The value is nested too deeply to be written as JSON.
    if (!(error instanceof RangeError)) throw error
  }
  if (size > MAX_EXTRA_DATA) {
    throw new ApiError(400, `The argument 'extra_data' takes at most ${MAX_EXTRA_DATA} bytes of JSON`)
  }
}

function missing(argument: string): ApiError {
  return new ApiError(400, `No data for argument: ${argument}`)
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
