// The epoch: the id of the engine's data. After a restored backup the fences start again, so a person has to confirm it.
import { ApiError } from '../../../core/errors.ts'
import type { CredentialFiles } from '../engine/credential.ts'

export class Epoch {
  readonly #files: CredentialFiles
  #accepted: string
  #seen: string | null = null

  constructor(files: CredentialFiles, accepted: string) {
    this.#files = files
    this.#accepted = accepted
  }

  /** The epoch whose offers the printer accepts. */
  get accepted(): string {
    return this.#accepted
  }

  /** The epoch that the hub last named; null before that. */
  get seen(): string | null {
    return this.#seen
  }

  /** Whether the engine has other data than those that were accepted. */
  get isOther(): boolean {
    return this.#seen !== null && this.#seen !== this.#accepted
  }

  /** The hub names its epoch. */
  named(epoch: string | null | undefined): void {
    if (typeof epoch === 'string') this.#seen = epoch
  }

  /** A person accepts the epoch. Throws ApiError 409 if the hub has named another one meanwhile. */
  confirm(epoch: string): void {
    if (epoch !== this.#seen) {
      throw new ApiError(409, `The fleet's epoch is ${this.#seen ?? 'not known yet'}, not ${epoch}`)
    }
    this.#files.writeEpoch(epoch)
    this.#accepted = epoch
  }
}
