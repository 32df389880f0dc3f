// Compare-and-set: a stored value with its revision, and the write that replaces exactly this revision.

/** A value as read by direct get. */
export interface Stored<T> {
  readonly value: T
  /** The sequence number of the stream. */
  readonly revision: number
}

/** A write that the engine accepts only while `expected` is the newest revision; 0 if the key must not exist. */
export interface Write<T> {
  readonly value: T
  readonly expected: number
}
