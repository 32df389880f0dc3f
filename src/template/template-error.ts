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

/** A template could not be compiled or rendered. */
export class TemplateError extends Error {
  readonly kind: TemplateErrorKind
  /** What went wrong, without the line. */
  readonly detail: string
  /** Line of the template source, counted from 1; 0 while it is not known yet. */
  readonly line: number

  constructor(kind: TemplateErrorKind, detail: string, line = 0, options?: { cause?: unknown }) {
    super(line > 0 ? `line ${line}: ${detail}` : detail, options)
    this.name = 'TemplateError'
    this.kind = kind
    this.detail = detail
    this.line = line
  }
}

/** Converts an error thrown in line `line` into a TemplateError; a TemplateError that has its line stays as it is. */
export function atLine(thrown: unknown, line: number): TemplateError {
  if (thrown instanceof TemplateError) {
    if (thrown.line > 0) return thrown
    return new TemplateError(thrown.kind, thrown.detail, line, { cause: thrown.cause })
  }
  if (thrown instanceof RangeError && /call stack/i.test(thrown.message)) {
    return new TemplateError('RecursionError', 'the template is nested too deeply', line)
  }
  if (thrown instanceof RangeError && /string length/i.test(thrown.message)) {
    return new TemplateError('LimitError', 'a text of the template grew too long', line)
  }
  const detail = thrown instanceof Error ? thrown.message : String(thrown)
  return new TemplateError('HostError', detail, line, { cause: thrown })
}
