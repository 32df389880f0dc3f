// The template options of moonraker.conf: compiled and rendered with the global functions that every such option has.
// An error names the section, the option, the line and the column.
import type { ReadSection, SectionOptions } from '../config/index.ts'
import { ApiError } from '../core/errors.ts'
import { compileTemplate, splitArguments, type Template, type TemplateError } from '../template/index.ts'
import type { Core } from './component.ts'

/** A template option that needs more work than this does not end. */
const LIMITS = { maxSteps: 100_000 }

/** The section that an option belongs to. */
type Section = Pick<ReadSection<SectionOptions>, 'section' | 'error'>

/** The variables of a render, in addition to the globals. */
export type TemplateContext = Readonly<Record<string, unknown>>

/** One template option of a section. */
export class SectionTemplate {
  readonly #section: Section
  readonly #option: string
  readonly #template: Template
  readonly #globals: TemplateContext

  /** `source` is the text of `option`. Throws ConfigError for a text that is not a template. */
  constructor(
    { log, secrets }: Pick<Core, 'log' | 'secrets'>,
    section: Section,
    option: string,
    source: string,
  ) {
    this.#section = section
    this.#option = option
    this.#globals = {
      secrets: secrets.values,
      raise_error: raiseError,
      log_debug: (text: unknown) => {
        log.debug(`[${section.section}] ${option}: ${templateText(text)}`)
        return null
      },
    }
    try {
      this.#template = compileTemplate(source, { limits: LIMITS })
    } catch (error) {
      throw section.error(this.#problem(error), option)
    }
  }

  /**
   * Renders without white space around the text. Rejects with the ApiError of `raise_error` or of a host function, and
   * with ApiError 500 for any other error.
   */
  async render(context: TemplateContext = {}): Promise<string> {
    try {
      return await this.#render(context)
    } catch (error) {
      const { cause } = error as TemplateError
      if (cause instanceof ApiError) throw cause
      throw new ApiError(500, this.#problem(error), { cause })
    }
  }

  /** Renders an option whose value does not change, when the component starts. Rejects with ConfigError. */
  async renderOnce(): Promise<string> {
    try {
      return await this.#render({})
    } catch (error) {
      throw this.#section.error(this.#problem(error), this.#option)
    }
  }

  async #render(context: TemplateContext): Promise<string> {
    return (await this.#template.render({ ...this.#globals, ...context })).trim()
  }

  #problem(error: unknown): string {
    const { line, column, detail } = error as TemplateError
    const place = column > 0 ? `line ${line}, column ${column}` : `line ${line}`
    return `the template "${this.#option}" of section [${this.#section.section}] failed at ${place}: ${detail}`
  }
}

/** `raise_error(message, code=400)`: ends the render with an error for the caller. */
function raiseError(...received: readonly unknown[]): never {
  const { positional, named } = splitArguments(received)
  const [message = named.message ?? named.msg, code = named.code ?? 400] = positional
  const status = typeof code === 'number' && code >= 400 && code <= 599 ? code : 400
  throw new ApiError(status, templateText(message ?? 'raise_error was called without a message'))
}

/** A value that a template passed where a text is needed. */
export function templateText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
