// The template engine: our own Jinja2 interpreter for Klipper macros and for the template options of moonraker.conf.
// Any call and any look-up in a template may return a promise; the engine awaits it.

import type { TemplateLimits } from './budget.ts'
import { renderText } from './execute.ts'
import type { Delimiters } from './lexer.ts'
import { parseTemplate } from './parser.ts'
import { hasFilter, hasTest, Render } from './render.ts'
import { atPlace, START } from './template-error.ts'

export type { TemplateLimits } from './budget.ts'
export { TemplateError, type TemplateErrorKind } from './template-error.ts'
export { splitArguments, type TemplateObject } from './values.ts'

/** How to compile a template. */
export interface TemplateOptions {
  /** `single` (default): expressions in `{ }`, as in Klipper's and Moonraker's files; `double`: in `{{ }}`. */
  braces?: 'single' | 'double'
  /** `strict` makes every use of an undefined value an error; `default` prints it as an empty text. */
  undefined?: 'default' | 'strict'
  /** Bounds of each render. */
  limits?: TemplateLimits
}

/** A compiled template, which can be rendered any number of times, also at the same time. */
export interface Template {
  /**
   * Renders with the variables of `context`: JSON-like values, Maps, functions, TemplateObjects, or promises of
   * these. Functions get plain JavaScript values, and a Kwargs as the last argument when the template gives keyword
   * arguments. Rejects with a TemplateError only.
   */
  render(context: Readonly<Record<string, unknown>>): Promise<string>
}

const DELIMITERS: Readonly<Record<'single' | 'double', Delimiters>> = {
  single: delimiters('{', '}'),
  double: delimiters('{{', '}}'),
}

function delimiters(expressionStart: string, expressionEnd: string): Delimiters {
  const others = { statementStart: '{%', statementEnd: '%}', commentStart: '{#', commentEnd: '#}' }
  return { ...others, expressionStart, expressionEnd }
}

/** Compiles a template. Throws a TemplateError with the line and the column of an error in the source. */
export function compileTemplate(source: string, options: TemplateOptions = {}): Template {
  const body = parse(source, DELIMITERS[options.braces ?? 'single'])
  return {
    async render(context) {
      const render = new Render(options.limits ?? {}, options.undefined === 'strict')
      try {
        return await renderText(body, render.rootScope(context), render)
      } catch (thrown) {
        throw atPlace(thrown, render.place)
      }
    },
  }
}

function parse(source: string, marks: Delimiters) {
  try {
    return parseTemplate(source, marks, { hasFilter, hasTest })
  } catch (thrown) {
    throw atPlace(thrown, START)
  }
}
