// The one error type that leaves the template engine, for faulty sources and for failing renders.

/**
 * Names of the faults, spelled as Jinja2 and Python spell their exceptions, because Klipper shows them to its
 * users. `LimitError` is ours (a bound of the engine was exceeded), `HostError` stands for whatever a host
 * function or host object threw (kept as `cause`).
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

/** Names whatever was thrown while line `line` was evaluated; a TemplateError that has its line stays as it is. */
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
