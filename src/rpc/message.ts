// A text for many clients, encoded once per kind of connection.

type Encode = (text: string) => Buffer

/** A notification on its way to many clients. */
export class Message {
  readonly text: string
  #encode: Encode | undefined
  #bytes: Buffer | undefined

  constructor(text: string) {
    this.text = text
  }

  /** The bytes that `encode` gives; kept for the next client of the same kind. */
  bytes(encode: Encode): Buffer {
    if (this.#bytes === undefined || this.#encode !== encode) {
      this.#bytes = encode(this.text)
      this.#encode = encode
    }
    return this.#bytes
  }
}
