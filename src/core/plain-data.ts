// Data without functions and classes: JSON can hold it, and a worker can receive it.

/** A value of JSON. */
export type PlainData =
  | null
  | boolean
  | number
  | string
  | readonly PlainData[]
  | { readonly [name: string]: PlainData }
