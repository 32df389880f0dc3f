// A text for many clients, built when the first of them needs it and encoded once per kind of connection.

type Encode = (text: string) => Buffer

/** A notification on its way to many clients. */
export class Message {
  #text: string | (() => string)
  #encode: Encode | undefined
  #bytes: Buffer | undefined

  /** `text` may be a function that builds it: a message that no client gets costs nothing. */
  constructor(text: string | (() => string)) {
    this.#text = text
  }

  get text(): string {
    if (typeof this.#text === 'function') this.#text = this.#text()
    return this.#text
  }

  /** The bytes that `encode` returns; cached for the next client of the same kind. */
  bytes(encode: Encode): Buffer {
    if (this.#bytes === undefined || this.#encode !== encode) {
      this.#bytes = encode(this.text)
      this.#encode = encode
    }
    return this.#bytes
  }
}
