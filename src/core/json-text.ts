// Replies that are JSON text already: large ones are built in slices, so that other requests do not wait for the whole.

/** JSON text in place of a value that is only sent. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** The value, for code that needs it after all. */
  toJSON(): unknown {
    return JSON.parse(this.text)
  }
}

/** A reply of type T that exists only as text. */
export function jsonText<T>(text: string): T {
  return new JsonText(text) as unknown as T
}

/** The text of a reply; `undefined` becomes null. */
export function toJsonText(value: unknown): string {
  return value instanceof JsonText ? value.text : (JSON.stringify(value) ?? 'null')
}
