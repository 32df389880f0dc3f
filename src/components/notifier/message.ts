// What a notifier sends: a title and a body in one of three formats, and files.

export const BODY_FORMATS = ['text', 'markdown', 'html'] as const
export type BodyFormat = (typeof BODY_FORMATS)[number]

/** A file of a message, in memory. */
export interface Attachment {
  readonly name: string
  readonly mediaType: string
  readonly data: Buffer
}

/** One rendered message. */
export interface Message {
  /** '' for none. */
  readonly title: string
  readonly body: string
  readonly format: BodyFormat
  readonly attachments: readonly Attachment[]
}

/** A delivery failed. `isTemporary`: a later attempt can succeed. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  readonly isTemporary: boolean

  constructor(message: string, isTemporary: boolean, options?: ErrorOptions) {
    super(message, options)
    this.isTemporary = isTemporary
  }
}
