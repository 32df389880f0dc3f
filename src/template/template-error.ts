// The only error type that the template engine throws, for invalid sources and for failing renders.

/**
 * Kinds of errors, under the names of Jinja2's and Python's exceptions, because Klipper shows those to its users.
 * `LimitError` is our own: a template exceeded a limit of the engine. `HostError` is an error that a host function or
 * host object threw; `cause` is that error.
 */
export type TemplateErrorKind =
  | 'TemplateSyntaxError'
  | 'TemplateAssertionError'
  | 'UndefinedError'
  | 'TemplateRuntimeError'
  | 'FilterArgumentError'
  | 'TypeError'
  | 'ValueError'
  | 'KeyError'
  | 'IndexError'
  | 'AttributeError'
  | 'ZeroDivisionError'
  | 'OverflowError'
  | 'RecursionError'
  | 'LimitError'
  | 'HostError'

/** A place in the source of a template; line and column are counted from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** Where a template starts. */
export const START: Place = { line: 1, column: 1 }

/** A template could not be compiled or rendered. */
export class TemplateError extends Error {
  readonly kind: TemplateErrorKind
  /** What went wrong, without the line. */
  readonly detail: string
  /** Line and column of the template source, counted from 1; 0 while they are not known yet. */
  readonly line: number
  readonly column: number

  constructor(kind: TemplateErrorKind, detail: string, place?: Place, options?: { cause?: unknown }) {
    super(place === undefined ? detail : `line ${place.line}: ${detail}`, options)
    this.name = 'TemplateError'
    this.kind = kind
    this.detail = detail
    this.line = place?.line ?? 0
    this.column = place?.column ?? 0
  }
}

/** Converts an error thrown at `place` into a TemplateError; a TemplateError that has its place stays as it is. */
export function atPlace(thrown: unknown, place: Place): TemplateError {
  if (thrown instanceof TemplateError) {
    if (thrown.line > 0) return thrown
    return new TemplateError(thrown.kind, thrown.detail, place, { cause: thrown.cause })
  }
  if (thrown instanceof RangeError && /call stack/i.test(thrown.message)) {
    return new TemplateError('RecursionError', 'the template is nested too deeply', place)
  }
  if (thrown instanceof RangeError && /string length/i.test(thrown.message)) {
    return new TemplateError('LimitError', 'a text of the template grew too long', place)
  }
  const detail = thrown instanceof Error ? thrown.message : String(thrown)
  return new TemplateError('HostError', detail, place, { cause: thrown })
}
