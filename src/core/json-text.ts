// Replies that are JSON text already: large ones are written in slices, so that nobody waits for the whole.

/** Stands where a value is expected that is only to be sent. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** For those who need the value after all. */
  toJSON(): unknown {
    return JSON.parse(this.text)
  }
}

/** A reply of type T of which only the text is there. */
export function jsonText<T>(text: string): T {
  return new JsonText(text) as unknown as T
}

/** The text of a reply; nothing is null. */
export function toJsonText(value: unknown): string {
  return value instanceof JsonText ? value.text : (JSON.stringify(value) ?? 'null')
}
